using Lamina.Linux;
using Lamina.Storage.Pools;

namespace Lamina.Storage.Attachments;

public sealed partial class AttachmentService
{
    /// <summary>The volume of a key that a holder says is published at a path; null when there is none.</summary>
    internal VolumeId? FindPublication(Door door, MountTarget target, ObjectKey key)
    {
        var identity = PublicationOf(door, target);
        foreach (var volume in _holders.Volumes.Where(volume => volume.Key == key))
        {
            if (_holders.Find(volume, identity) is not null)
                return volume;
        }
        return null;
    }

    // A file has one group: to give the volume to another one takes it away from whoever works with it now.
    private static void CheckGroup(IEnumerable<Holder> others, PublishRequest request)
    {
        if (request is not { ReadOnly: false, Group: { } group })
            return;
        if (others.FirstOrDefault(other => !other.ReadOnly && other.Group is { } theirs && theirs != group) is { } other)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume {other.Volume} is published at {other.Reference} for group {other.Group}, and its files can have one group only: "
                + $"ask for the same group, or end that use before it is given to group {group}");
        }
    }

    // Before anybody sees the publication. A directory of the host is not ours to change: it is as with any hostPath.
    private void GiveToGroup(Volume volume, PublishRequest request)
    {
        if (request is not { ReadOnly: false, Group: { } group } || volume.Kind == VolumeKind.Block)
            return;
        if (_pools.Resolve(volume.Id.Pool).Pool.Description.Features.HasFlag(PoolFeatures.HostDirectories))
        {
            _logger.NotGivenToGroup(volume.Id, group);
            return;
        }
        using var root = Files.OpenDirectory(_mounts.PathOf(volume.Id));
        if (GroupAccess.Give(root, group) is { } result)
            _logger.GivenToGroup(volume.Id, group, result.Changed, result.Protected);
    }
}
