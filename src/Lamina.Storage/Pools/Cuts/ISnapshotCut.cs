namespace Lamina.Storage.Pools.Cuts;

/// <summary>A snapshot on the way: nobody sees it before it is published, and without that it never was.</summary>
public interface ISnapshotCut : IVolumeCut
{
    /// <summary>Makes the snapshot appear, durably. Answers the record as it was stored.</summary>
    /// <param name="moment">When it was cut: stored in the record.</param>
    /// <exception cref="StorageException">It has not appeared.</exception>
    Task<Snapshot> PublishAsync(CutMoment moment);
}
