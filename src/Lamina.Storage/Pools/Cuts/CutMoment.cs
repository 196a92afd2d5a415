namespace Lamina.Storage.Pools.Cuts;

/// <summary>When something was cut.</summary>
/// <param name="At">What was written before it is in the cut, and nothing of later.</param>
/// <param name="Pause">How long the writers stood still for it; null when there were none, or none had to.</param>
public sealed record CutMoment(DateTimeOffset At, TimeSpan? Pause);
