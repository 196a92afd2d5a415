namespace Lamina.Storage.Pools.Overlay;

/// <summary>What a live cut did.</summary>
/// <param name="At">The moment of the cut: what was written before it is in the copy, and nothing after it.</param>
/// <param name="Pause">How long the writers stood still; null when there were none.</param>
internal sealed record LiveCutResult(DateTimeOffset At, TimeSpan? Pause);
