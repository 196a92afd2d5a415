using Lamina.Storage;
using Lamina.Storage.Ephemeral;
using Lamina.Storage.Pools;

namespace Lamina.Csi;

/// <summary>Finds what an id from outside names, together with what its pool can do.</summary>
internal sealed class VolumeLookup(VolumeService volumes, EphemeralVolumes ephemerals, PoolSet pools)
{
    /// <summary>A volume that was made by CreateVolume, and its pool. Inline volumes are the kubelet's alone.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.NotFound"/>, also for an id that is none of ours; <see cref="StorageError.Unavailable"/>.</exception>
    internal (Volume Volume, PoolDescription Pool) Get(string id)
    {
        var volume = volumes.Get(Requests.RequestIds.Volume(id));
        return volume.Ephemeral is null
            ? WithPool(volume)
            : throw new StorageException(StorageError.NotFound, $"there is no volume {id} but the inline volume of a pod, {volume.Ephemeral.Id}");
    }

    /// <summary>As <see cref="Get"/>, or the inline volume with that id of the kubelet's.</summary>
    internal (Volume Volume, PoolDescription Pool) GetAny(string id) =>
        EphemeralId.TryParse(id, out var ephemeral) && ephemerals.Find(ephemeral) is { } volume ? WithPool(volume) : Get(id);

    /// <summary>Refuses the id of an inline volume that exists: it goes with its pod and in no other way.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>.</exception>
    internal void CheckProvisioned(string id)
    {
        pools.CheckReady();
        var volume = EphemeralId.TryParse(id, out var ephemeral) ? ephemerals.Find(ephemeral) : VolumeId.TryParse(id, out var own) ? volumes.FindKnown(own) : null;
        if (volume?.Ephemeral is { } use)
            throw new StorageException(StorageError.FailedPrecondition, $"{id} is an inline volume of the pod at {use.PodDirectory}: it goes with the pod, by NodeUnpublishVolume");
    }

    private (Volume Volume, PoolDescription Pool) WithPool(Volume volume) => (volume, pools.Resolve(volume.Id.Pool).Pool.Description);
}
