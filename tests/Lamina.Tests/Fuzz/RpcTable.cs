using Grpc.Core;
using static Grpc.Core.StatusCode;

namespace Lamina.Tests.Fuzz;

/// <summary>Which codes each rpc may answer, besides OK and INVALID_ARGUMENT, which all may. What isn't here isn't known, and a test says so.</summary>
internal static class RpcTable
{
    // Whatever names a volume or snapshot: it may be in a pool that is not loaded, or be worked on by another call.
    private static readonly StatusCode[] Object = [NotFound, Aborted, Unavailable];
    private static readonly StatusCode[] Look = [NotFound, Unavailable];
    private static readonly StatusCode[] Nothing = [];

    // Works from holders and the mount table, pool or no pool: never UNAVAILABLE. FAILED_PRECONDITION, which the specification has no row for: it
    // is still published, or somebody works in it, and a lazy unmount would only hide that; NOT_FOUND: the volume can never have been here.
    private static readonly StatusCode[] Undo = [NotFound, Aborted, FailedPrecondition];

    private static readonly Dictionary<string, StatusCode[]> Rows = new(StringComparer.Ordinal)
    {
        ["csi.v1.Identity/GetPluginInfo"] = Nothing,
        ["csi.v1.Identity/GetPluginCapabilities"] = Nothing,
        ["csi.v1.Identity/Probe"] = [FailedPrecondition],
        // UNAVAILABLE: the pool that is named is configured, but not here at the moment; a source of another node's pool is RESOURCE_EXHAUSTED.
        // FAILED_PRECONDITION as in CreateSnapshot: a clone is a cut too, and a raw device in use can't be cut where files share no blocks.
        ["csi.v1.Controller/CreateVolume"] = [.. Object, AlreadyExists, ResourceExhausted, OutOfRange, FailedPrecondition],
        ["csi.v1.Controller/DeleteVolume"] = [FailedPrecondition, Aborted, Unavailable],
        ["csi.v1.Controller/ControllerPublishVolume"] = [Unimplemented],
        ["csi.v1.Controller/ControllerUnpublishVolume"] = [Unimplemented],
        ["csi.v1.Controller/ValidateVolumeCapabilities"] = Look,
        ["csi.v1.Controller/ListVolumes"] = [Aborted],
        ["csi.v1.Controller/GetCapacity"] = Nothing,
        ["csi.v1.Controller/ControllerGetCapabilities"] = Nothing,
        // FAILED_PRECONDITION: it is in use by what can't be stopped for the cut, or has subvolumes of its own, which a snapshot would leave out.
        ["csi.v1.Controller/CreateSnapshot"] = [.. Object, AlreadyExists, ResourceExhausted, FailedPrecondition],
        ["csi.v1.Controller/DeleteSnapshot"] = [FailedPrecondition, Aborted, Unavailable],
        // An empty list would say that a snapshot is gone, of which nothing can be known while its pool is not here.
        ["csi.v1.Controller/ListSnapshots"] = [Aborted, Unavailable],
        ["csi.v1.Controller/GetSnapshot"] = Look,
        // RESOURCE_EXHAUSTED, as for a new volume: the range is a good one, but there is no room for it here today.
        ["csi.v1.Controller/ControllerExpandVolume"] = [.. Object, FailedPrecondition, OutOfRange, ResourceExhausted],
        ["csi.v1.Controller/ControllerGetVolume"] = Look,
        ["csi.v1.Controller/ControllerModifyVolume"] = Object,
        ["csi.v1.GroupController/GroupControllerGetCapabilities"] = Nothing,
        ["csi.v1.GroupController/CreateVolumeGroupSnapshot"] = [.. Object, AlreadyExists, ResourceExhausted, FailedPrecondition],
        ["csi.v1.GroupController/DeleteVolumeGroupSnapshot"] = [FailedPrecondition, Aborted, Unavailable],
        ["csi.v1.GroupController/GetVolumeGroupSnapshot"] = Look,
        ["csi.v1.SnapshotMetadata/GetMetadataAllocated"] = [.. Object, OutOfRange],
        ["csi.v1.SnapshotMetadata/GetMetadataDelta"] = [.. Object, OutOfRange, FailedPrecondition],
        ["csi.v1.Node/NodeStageVolume"] = [.. Object, AlreadyExists, FailedPrecondition],
        ["csi.v1.Node/NodeUnstageVolume"] = Undo,
        // An inline volume is made here, which may be for lack of room.
        ["csi.v1.Node/NodePublishVolume"] = [.. Object, AlreadyExists, FailedPrecondition, ResourceExhausted, OutOfRange],
        ["csi.v1.Node/NodeUnpublishVolume"] = Undo,
        ["csi.v1.Node/NodeGetVolumeStats"] = Look,
        // RESOURCE_EXHAUSTED as in ControllerExpandVolume, whose checks are all made here where csi.nodeLocal is on.
        ["csi.v1.Node/NodeExpandVolume"] = [.. Object, FailedPrecondition, OutOfRange, ResourceExhausted],
        ["csi.v1.Node/NodeGetCapabilities"] = Nothing,
        ["csi.v1.Node/NodeGetInfo"] = Nothing,

        ["lamina.v1.Pools/List"] = [Unavailable],
        ["lamina.v1.Pools/Inspect"] = Look,
        ["lamina.v1.Pools/Init"] = [.. Object, AlreadyExists, FailedPrecondition, ResourceExhausted, OutOfRange],
        ["lamina.v1.Pools/Forget"] = [.. Look, FailedPrecondition],
        ["lamina.v1.Volumes/Create"] = [.. Object, AlreadyExists, ResourceExhausted, OutOfRange],
        ["lamina.v1.Volumes/List"] = Look,
        ["lamina.v1.Volumes/Inspect"] = Look,
        ["lamina.v1.Volumes/Delete"] = [.. Object, FailedPrecondition],
        ["lamina.v1.Volumes/Resize"] = [.. Object, FailedPrecondition, OutOfRange, ResourceExhausted],
        ["lamina.v1.Volumes/Modify"] = Object,
        ["lamina.v1.Volumes/Attach"] = [.. Object, AlreadyExists, FailedPrecondition],
        ["lamina.v1.Volumes/Detach"] = [.. Object, FailedPrecondition],
        ["lamina.v1.Snapshots/Create"] = [.. Object, AlreadyExists, ResourceExhausted, FailedPrecondition],
        ["lamina.v1.Snapshots/List"] = Look,
        ["lamina.v1.Snapshots/Delete"] = [.. Object, FailedPrecondition],
        ["lamina.v1.Snapshots/RestoreInPlace"] = [.. Object, FailedPrecondition, AlreadyExists, ResourceExhausted],
        ["lamina.v1.Snapshots/Restore"] = [.. Object, AlreadyExists, ResourceExhausted, OutOfRange],
        ["lamina.v1.SnapshotGroups/Create"] = [.. Object, AlreadyExists, ResourceExhausted, FailedPrecondition],
        ["lamina.v1.SnapshotGroups/List"] = Look,
        ["lamina.v1.SnapshotGroups/Inspect"] = Look,
        ["lamina.v1.SnapshotGroups/Delete"] = [.. Object, FailedPrecondition],
        ["lamina.v1.Tree/Get"] = Look,
        ["lamina.v1.Calls/Get"] = Nothing,
        ["lamina.v1.Doctor/Check"] = Nothing,
    };

    /// <summary>Whether it is no rpc of ours, though the framework has an answer for it.</summary>
    internal static bool IsNeverOk(Rpc rpc) => Rows[rpc.Name] is [Unimplemented];

    internal static bool Knows(Rpc rpc) => Rows.ContainsKey(rpc.Name);

    internal static bool Allows(Rpc rpc, StatusCode code) => code is OK or InvalidArgument || (Rows.TryGetValue(rpc.Name, out var codes) && codes.Contains(code));
}
