using Grpc.Core;
using Lamina.Csi.Requests;
using Lamina.Storage;
using Wire = Csi.V1;
using RpcType = Csi.V1.ControllerServiceCapability.Types.RPC.Types.Type;

namespace Lamina.Csi;

/// <summary>The Controller service of CSI. Files are split by topic: this one holds what is asked about the service as a whole.</summary>
internal sealed partial class ControllerService(CsiPlugin plugin, VolumeLookup lookup, VolumeService volumes, SnapshotService snapshots)
    : Wire.Controller.ControllerBase
{
    private static readonly RpcType[] Always =
    [
        RpcType.CreateDeleteVolume,
        RpcType.ListVolumes,
        RpcType.GetVolume,
        RpcType.GetCapacity,
        RpcType.CreateDeleteSnapshot,
        RpcType.ListSnapshots,
        RpcType.GetSnapshot,
        RpcType.CloneVolume,
        RpcType.SingleNodeMultiWriter,
    ];

    /// <inheritdoc/>
    public override Task<Wire.ControllerGetCapabilitiesResponse> ControllerGetCapabilities(
        Wire.ControllerGetCapabilitiesRequest request, ServerCallContext context)
    {
        // The sidecar that expands has one leader in a cluster, which would ask the wrong node: there the node does it alone.
        IEnumerable<RpcType> offered = plugin.IsNodeLocal ? Always : [.. Always, RpcType.ExpandVolume];
        if (ModifiesVolumes)
            offered = offered.Append(RpcType.ModifyVolume);
        var capabilities = offered.Select(type => new Wire.ControllerServiceCapability { Rpc = new() { Type = type } });
        return Task.FromResult(new Wire.ControllerGetCapabilitiesResponse { Capabilities = { capabilities } });
    }

    /// <inheritdoc/>
    public override Task<Wire.GetCapacityResponse> GetCapacity(Wire.GetCapacityRequest request, ServerCallContext context)
    {
        var accesses = request.VolumeCapabilities.Select(VolumeAccess.Parse).ToList();
        var parameters = ClassParameters.Parse(request.Parameters);
        var query = new CapacityQuery { Pool = parameters.Pool, Parameters = parameters.Volume };
        // One volume must do for all the ways to use it, so the worst of them counts.
        var answers = !Places.Includes(request.AccessibleTopology, plugin) ? [CapacityAnswer.Nothing] : accesses
            .Select(access => access.FlagObstacle is null
                ? volumes.GetCapacity(query with { Kind = access.Kind, FileSystem = access.FileSystem })
                : CapacityAnswer.Nothing)
            .DefaultIfEmpty(volumes.GetCapacity(query))
            .ToList();
        return Task.FromResult(new Wire.GetCapacityResponse
        {
            AvailableCapacity = answers.Min(answer => answer.Available).Bytes,
            MaximumVolumeSize = answers.Min(answer => answer.Largest).Bytes,
            // Where nothing can be made there is no smallest volume either.
            MinimumVolumeSize = answers.Any(answer => answer.Largest == ByteSize.Zero) ? null : answers.Max(answer => answer.Smallest).Bytes,
        });
    }

    // Like expansion the work of a sidecar with one leader, and nothing where no pool has anything to modify.
    private bool ModifiesVolumes => !plugin.IsNodeLocal && volumes.HasAttributes;

    // A page can't be of negative length.
    private static int PageSize(int entries) =>
        entries >= 0 ? entries : throw new StorageException(StorageError.InvalidArgument, $"max_entries is {entries}; it can't be negative");
}
