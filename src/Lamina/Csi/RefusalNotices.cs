using Google.Protobuf;
using Lamina.Cluster;
using Lamina.Hosting;
using Lamina.Storage;
using Wire = Csi.V1;

namespace Lamina.Csi;

/// <summary>
/// Has those refusals told in the cluster that the person behind the call should see beside the own claim or snapshot: no room, and a snapshot that is not possible
/// as the volume is used now, also one of a group, which is told beside the members' claims. By a queue in memory: no call waits for the cluster.
/// </summary>
internal sealed class RefusalNotices(ClusterNotices notices, ClusterSubjects subjects, Catalog catalog, LaminaOptions options, TimeProvider time)
{
    // A group may have many, and the reason names the one that it is about.
    private const int MaxMembers = 10;

    /// <summary>Looks at a call that failed.</summary>
    internal void Report(IMessage request, Exception failure)
    {
        if (!notices.IsWanted || failure is not StorageException refusal)
            return;
        switch (request, refusal.Error)
        {
            // Each node may refuse for reasons of its own, and has an event for it.
            case (Wire.CreateVolumeRequest volume, StorageError.ResourceExhausted):
                Tell(NoticeReason.PoolFull, ClusterSubjects.ClaimOf(volume.Parameters), options.NodeName, refusal);
                break;
            case (Wire.CreateSnapshotRequest snapshot, StorageError.FailedPrecondition):
                Tell(NoticeReason.SnapshotRefused, ClusterSubjects.SnapshotOf(snapshot.Parameters) ?? ClaimOf(snapshot.SourceVolumeId), snapshot.Name, refusal);
                break;
            case (Wire.CreateVolumeGroupSnapshotRequest group, StorageError.FailedPrecondition):
                foreach (var claim in group.SourceVolumeIds.Select(ClaimOf).OfType<ClusterObject>().Distinct().Take(MaxMembers))
                    Tell(NoticeReason.SnapshotRefused, claim, group.Name, refusal);
                break;
        }
    }

    private void Tell(NoticeReason reason, ClusterObject? subject, string about, StorageException refusal)
    {
        if (subject is not null)
            notices.Tell(new Notice(reason, subject, about, $"node {options.NodeName}: {LoggedText.Clean(refusal.Message)}", time.GetUtcNow()));
    }

    private ClusterObject? ClaimOf(string volume) => VolumeId.TryParse(volume, out var id) && catalog.Find(id) is { } known ? subjects.Of(known) : null;
}
