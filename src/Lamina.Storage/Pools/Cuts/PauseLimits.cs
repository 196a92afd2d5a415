namespace Lamina.Storage.Pools.Cuts;

/// <summary>Whether a volume's writers may be stopped for a cut, and for how long.</summary>
/// <param name="MayStop">Whether at all.</param>
/// <param name="MaxPause">How long; a cut that takes longer is given up and the writers released.</param>
public sealed record PauseLimits(bool MayStop, TimeSpan MaxPause)
{
    /// <summary>What all of them allow.</summary>
    internal static PauseLimits Strictest(IReadOnlyCollection<PauseLimits> limits) =>
        new(limits.All(limit => limit.MayStop), limits.Min(limit => limit.MaxPause));
}
