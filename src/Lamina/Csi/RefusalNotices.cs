using Google.Protobuf;
using Lamina.Cluster;
using Lamina.Hosting;
using Lamina.Storage;
using Wire = Csi.V1;

namespace Lamina.Csi;

/// <summary>
/// Has those refusals told in the cluster that the person behind the call should see beside the own claim or snapshot: no room, and a snapshot that is not possible
/// as the volume is used now. By a queue in memory: no call waits for the cluster.
/// </summary>
internal sealed class RefusalNotices(ClusterNotices notices, ClusterSubjects subjects, Catalog catalog, LaminaOptions options, TimeProvider time)
{
    /// <summary>Looks at a call that failed.</summary>
    internal void Report(IMessage request, Exception failure)
    {
        if (!notices.IsWanted || failure is not StorageException refusal)
            return;
        // Each node may refuse for reasons of its own, and has an event for it.
        var notice = (request, refusal.Error) switch
        {
            (Wire.CreateVolumeRequest volume, StorageError.ResourceExhausted) => Of(NoticeReason.PoolFull, ClusterSubjects.ClaimOf(volume.Parameters), options.NodeName, refusal),
            (Wire.CreateSnapshotRequest snapshot, StorageError.FailedPrecondition) =>
                Of(NoticeReason.SnapshotRefused, ClusterSubjects.SnapshotOf(snapshot.Parameters) ?? ClaimOf(snapshot.SourceVolumeId), snapshot.Name, refusal),
            _ => null,
        };
        if (notice is not null)
            notices.Tell(notice);
    }

    private Notice? Of(NoticeReason reason, ClusterObject? subject, string about, StorageException refusal) =>
        subject is null ? null : new Notice(reason, subject, about, $"node {options.NodeName}: {LoggedText.Clean(refusal.Message)}", time.GetUtcNow());

    private ClusterObject? ClaimOf(string volume) => VolumeId.TryParse(volume, out var id) && catalog.Find(id) is { } known ? subjects.Of(known) : null;
}
