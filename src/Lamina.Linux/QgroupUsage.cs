namespace Lamina.Linux;

/// <summary>What a quota group counts, as of the last committed transaction.</summary>
/// <param name="Referenced">
/// Bytes charged to it, metadata included. Under simple quotas: what it wrote and that still exists, in whatever snapshot.
/// </param>
/// <param name="Exclusive">Bytes that would come free with it; under simple quotas the same as <paramref name="Referenced"/>.</param>
/// <param name="Limit">The most that <paramref name="Referenced"/> may be, in bytes; null: no limit.</param>
public readonly record struct QgroupUsage(ulong Referenced, ulong Exclusive, ulong? Limit);
