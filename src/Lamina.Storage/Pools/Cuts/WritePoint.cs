using Lamina.Linux;

namespace Lamina.Storage.Pools.Cuts;

/// <summary>The moment that cuts are taken at. Where writers had to be stopped, they stand still from before it until all cuts are taken.</summary>
public sealed record WritePoint
{
    /// <summary>The moment at which all writers stood still, by the clock that files' times come from; null when nobody was stopped.</summary>
    public Timestamp? StoodStillAt { get; init; }

    /// <summary>The inodes, as users of the volumes see them, of files that are stored into through memory: their times tell nothing.</summary>
    public IReadOnlySet<ulong> MappedInodes { get; init; } = new HashSet<ulong>();

    /// <summary>Cancelled when the writers have stood still for as long as they may, and run again: the cut is given up.</summary>
    public CancellationToken Aborted { get; init; }
}
