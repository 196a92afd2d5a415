namespace Lamina.Storage.Pools;

/// <summary>A configured pool as it stands.</summary>
/// <param name="Settings">Its configuration.</param>
/// <param name="Loaded">The pool, when it is served.</param>
/// <param name="Problem">Why it isn't; null when it is.</param>
public sealed record PoolStatus(PoolSettings Settings, LoadedPool? Loaded, string? Problem);
