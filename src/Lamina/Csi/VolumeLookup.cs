using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Csi;

/// <summary>Finds what an id from outside names, together with what its pool can do.</summary>
internal sealed class VolumeLookup(VolumeService volumes, PoolSet pools)
{
    /// <summary>The volume, and its pool.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.NotFound"/>, also for an id that is none of ours; <see cref="StorageError.Unavailable"/>.</exception>
    internal (Volume Volume, PoolDescription Pool) Get(string id)
    {
        var volume = volumes.Get(Requests.RequestIds.Volume(id));
        return (volume, pools.Resolve(volume.Id.Pool).Pool.Description);
    }
}
