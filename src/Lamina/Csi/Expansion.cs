using Lamina.Csi.Requests;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Wire = Csi.V1;

namespace Lamina.Csi;

/// <summary>Makes a volume larger, the same whether the controller or the node is asked.</summary>
internal static class Expansion
{
    /// <summary>Expands a volume that exists.</summary>
    /// <returns>Its size. A volume without a limit has whatever was asked for.</returns>
    internal static async Task<ByteSize> RunAsync(
        VolumeService volumes,
        (Volume Volume, PoolDescription Pool) found,
        Wire.CapacityRange? range,
        Wire.VolumeCapability? capability,
        CancellationToken cancellationToken)
    {
        if (capability is not null)
            VolumeAccess.Parse(capability).ArgumentsFor(found.Volume, found.Pool);
        var sizes = CapacityRanges.Parse(range);
        var volume = await volumes.ExpandAsync(found.Volume.Id, sizes, cancellationToken);
        return volume.Size ?? sizes.Choose(null) ?? ByteSize.Zero;
    }
}
