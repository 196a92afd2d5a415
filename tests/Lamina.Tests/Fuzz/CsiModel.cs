using CsCheck;
using Google.Protobuf;
using Lamina.Tests.Csi;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;
using Wire = Csi.V1;

namespace Lamina.Tests.Fuzz;

/// <summary>What lives of all that calls have made through the CSI door, and what would be a right thing to ask for next.</summary>
/// <param name="kubelet">Where staging and target paths are made.</param>
/// <param name="bound">A directory that may be served as a volume.</param>
internal sealed class CsiModel(string kubelet, string bound) : Model
{
    private const int MaxVolumes = 40;
    private readonly List<Live> _volumes = [];
    private readonly List<Cut> _snapshots = [];
    private readonly List<Wire.VolumeGroupSnapshot> _groups = [];
    private readonly List<Wire.NodePublishVolumeRequest> _inline = [];
    private readonly List<string> _tokens = [];
    private int _count;

    protected override IMessage? RightFor(string rpc, PCG random) => rpc switch
    {
        "csi.v1.Controller/CreateVolume" => NewVolume(random),
        "csi.v1.Controller/DeleteVolume" => Pick(random, _volumes, volume => volume.Staging is null) is { } volume ? new Wire.DeleteVolumeRequest { VolumeId = volume.Id } : null,
        "csi.v1.Controller/ValidateVolumeCapabilities" => Pick(random, _volumes) is { } volume
            ? new Wire.ValidateVolumeCapabilitiesRequest { VolumeId = volume.Id, VolumeCapabilities = { volume.Capability } } : null,
        "csi.v1.Controller/ListVolumes" => new Wire.ListVolumesRequest { MaxEntries = Below(random, 5), StartingToken = Below(random, 3) == 0 ? Pick(random, _tokens) ?? "" : "" },
        "csi.v1.Controller/GetCapacity" => new Wire.GetCapacityRequest { Parameters = { ["pool"] = PoolOf(random) } },
        "csi.v1.Controller/CreateSnapshot" => NewSnapshot(random),
        "csi.v1.Controller/DeleteSnapshot" => Pick(random, _snapshots) is { } cut ? new Wire.DeleteSnapshotRequest { SnapshotId = cut.Id } : null,
        "csi.v1.Controller/ListSnapshots" => Below(random, 3) switch
        {
            0 => new Wire.ListSnapshotsRequest { MaxEntries = Below(random, 5) },
            1 => new Wire.ListSnapshotsRequest { SnapshotId = Pick(random, _snapshots)?.Id ?? "" },
            _ => new Wire.ListSnapshotsRequest { SourceVolumeId = Pick(random, _volumes)?.Id ?? "" },
        },
        "csi.v1.Controller/GetSnapshot" => Pick(random, _snapshots) is { } cut ? new Wire.GetSnapshotRequest { SnapshotId = cut.Id } : null,
        "csi.v1.Controller/ControllerGetVolume" => Pick(random, _volumes) is { } volume ? new Wire.ControllerGetVolumeRequest { VolumeId = volume.Id } : null,
        "csi.v1.Controller/ControllerExpandVolume" => Pick(random, _volumes, HasSize) is { } volume
            ? new Wire.ControllerExpandVolumeRequest { VolumeId = volume.Id, VolumeCapability = volume.Capability, CapacityRange = Larger(volume) } : null,
        "csi.v1.Controller/ControllerModifyVolume" => Pick(random, _volumes, volume => volume.Pool == "tree" && !IsRaw(volume)) is { } volume
            ? new Wire.ControllerModifyVolumeRequest { VolumeId = volume.Id, MutableParameters = { ["compression"] = Pick(random, ["zstd", "lzo", "none"])! } } : null,
        "csi.v1.GroupController/CreateVolumeGroupSnapshot" => NewGroup(random),
        "csi.v1.GroupController/DeleteVolumeGroupSnapshot" => Pick(random, _groups) is { } group
            ? new Wire.DeleteVolumeGroupSnapshotRequest { GroupSnapshotId = group.GroupSnapshotId, SnapshotIds = { MembersOf(group) } } : null,
        "csi.v1.GroupController/GetVolumeGroupSnapshot" => Pick(random, _groups) is { } group
            ? new Wire.GetVolumeGroupSnapshotRequest { GroupSnapshotId = group.GroupSnapshotId, SnapshotIds = { MembersOf(group) } } : null,
        "csi.v1.SnapshotMetadata/GetMetadataAllocated" => Pick(random, _snapshots, cut => cut.IsRaw) is { } cut
            ? new Wire.GetMetadataAllocatedRequest { SnapshotId = cut.Id, StartingOffset = cut.Size / 4 * Below(random, 5), MaxResults = Below(random, 5) } : null,
        "csi.v1.SnapshotMetadata/GetMetadataDelta" => NewComparison(random),
        "csi.v1.Node/NodeStageVolume" => Pick(random, _volumes, volume => volume.Staging is null || Below(random, 10) == 0) is { } volume
            ? Requests.Stage(volume.Id, volume.Staging ?? Directory.CreateDirectory(NewPath("staging")).FullName, volume.Capability) : null,
        "csi.v1.Node/NodeUnstageVolume" => Pick(random, _volumes, volume => volume is { Staging: not null, Targets.Count: 0 }) is { } volume
            ? new Wire.NodeUnstageVolumeRequest { VolumeId = volume.Id, StagingTargetPath = volume.Staging } : null,
        "csi.v1.Node/NodePublishVolume" => Below(random, 4) == 0 ? NewInline(random) : NewPublication(random),
        "csi.v1.Node/NodeUnpublishVolume" => Unpublication(random),
        "csi.v1.Node/NodeGetVolumeStats" => Pick(random, _volumes, IsPublished) is { } volume
            ? new Wire.NodeGetVolumeStatsRequest { VolumeId = volume.Id, VolumePath = Pick(random, volume.Targets), StagingTargetPath = volume.Staging ?? "" } : null,
        "csi.v1.Node/NodeExpandVolume" => Pick(random, _volumes, volume => IsPublished(volume) && HasSize(volume)) is { } volume
            ? new Wire.NodeExpandVolumeRequest { VolumeId = volume.Id, VolumePath = Pick(random, volume.Targets), CapacityRange = new() { RequiredBytes = volume.Size } } : null,
        _ => null,
    };

    protected override void Granted(string rpc, IMessage request, IMessage? answer)
    {
        switch (request, answer)
        {
            case (Wire.CreateVolumeRequest create, Wire.CreateVolumeResponse { Volume: var made }) when _volumes.All(volume => volume.Id != made.VolumeId):
                _volumes.Add(new Live(made.VolumeId, create, create.Parameters.GetValueOrDefault("pool", "default")) { Size = made.CapacityBytes });
                break;
            case (Wire.DeleteVolumeRequest delete, _):
                _volumes.RemoveAll(volume => volume.Id == delete.VolumeId);
                break;
            case (Wire.ListVolumesRequest, Wire.ListVolumesResponse { NextToken.Length: > 0 } list):
                _tokens.Add(list.NextToken);
                break;
            case (Wire.CreateSnapshotRequest create, Wire.CreateSnapshotResponse { Snapshot: var made }) when _snapshots.All(cut => cut.Id != made.SnapshotId):
                var source = _volumes.Find(volume => volume.Id == made.SourceVolumeId);
                _snapshots.Add(new Cut(made.SnapshotId, create, source?.Pool ?? "default", made.SizeBytes, source?.Capability ?? Requests.Mount(), made.CreationTime.ToDateTimeOffset()));
                break;
            case (Wire.DeleteSnapshotRequest delete, _):
                _snapshots.RemoveAll(cut => cut.Id == delete.SnapshotId);
                break;
            case (Wire.CreateVolumeGroupSnapshotRequest, Wire.CreateVolumeGroupSnapshotResponse { GroupSnapshot: var made }) when _groups.All(group => group.GroupSnapshotId != made.GroupSnapshotId):
                _groups.Add(made);
                break;
            case (Wire.DeleteVolumeGroupSnapshotRequest delete, _):
                _groups.RemoveAll(group => group.GroupSnapshotId == delete.GroupSnapshotId);
                break;
            case (Wire.ControllerExpandVolumeRequest expand, Wire.ControllerExpandVolumeResponse { CapacityBytes: var size }):
                With(expand.VolumeId, volume => volume.Size = size);
                break;
            case (Wire.NodeStageVolumeRequest stage, _):
                With(stage.VolumeId, volume => volume.Staging ??= stage.StagingTargetPath);
                break;
            case (Wire.NodeUnstageVolumeRequest unstage, _):
                With(unstage.VolumeId, volume => volume.Staging = volume.Staging == unstage.StagingTargetPath ? null : volume.Staging);
                break;
            case (Wire.NodePublishVolumeRequest { StagingTargetPath.Length: 0 } publish, _):
                _inline.Add(publish);
                break;
            case (Wire.NodePublishVolumeRequest publish, _):
                With(publish.VolumeId, volume => volume.Targets.Add(publish.TargetPath));
                break;
            case (Wire.NodeUnpublishVolumeRequest unpublish, _):
                _inline.RemoveAll(publish => publish.VolumeId == unpublish.VolumeId && publish.TargetPath == unpublish.TargetPath);
                With(unpublish.VolumeId, volume => volume.Targets.RemoveAll(target => target == unpublish.TargetPath));
                break;
        }
    }

    private static bool IsPublished(Live volume) => volume.Targets.Count > 0;

    private static bool HasSize(Live volume) => volume.Size > 0;

    private static bool IsRaw(Live volume) => HasSize(volume) && volume.Capability.Block is not null;

    private static string PoolOf(PCG random) => Below(random, 2) == 0 ? "default" : "tree";

    private static IEnumerable<string> MembersOf(Wire.VolumeGroupSnapshot group) => group.Snapshots.Select(snapshot => snapshot.SnapshotId);

    private static Wire.CapacityRange Larger(Live volume) => new() { RequiredBytes = Math.Min(volume.Size + (1 << 20), 16 << 20) };

    private Wire.CreateVolumeRequest? NewVolume(PCG random)
    {
        if (_volumes.Count >= MaxVolumes || Below(random, 8) == 0)
            return Pick(random, _volumes)?.Request.Clone();
        var request = new Wire.CreateVolumeRequest { Name = $"right-{_count++}" };
        var mode = Below(random, 2) == 0 ? Mode.SingleNodeWriter : Mode.SingleNodeMultiWriter;
        var capability = Requests.Mount(mode);
        var (pool, size) = (PoolOf(random), 1L << (20 + Below(random, 3)));
        switch (Below(random, 8))
        {
            case 0:
                (request.Parameters["source"], request.CapacityRange) = (bound, new() { RequiredBytes = 1 << 30 });
                request.VolumeCapabilities.Add(capability);
                return request;
            case 1 or 2 when Pick(random, _snapshots) is { } cut:
                (pool, size, capability, request.VolumeContentSource) = (cut.Pool, Math.Max(size, cut.Size), cut.Capability.Clone(), Requests.FromSnapshot(cut.Id));
                break;
            case 3 or 4 when Pick(random, _volumes, HasSize) is { } volume:
                (pool, size, capability, request.VolumeContentSource) = (volume.Pool, Math.Max(size, volume.Size), volume.Capability.Clone(), Requests.FromVolume(volume.Id));
                break;
            case 5 or 6:
                capability = Requests.Block(mode);
                break;
        }
        request.VolumeCapabilities.Add(capability);
        (request.Parameters["pool"], request.CapacityRange) = (pool, new() { RequiredBytes = size });
        return request;
    }

    private Wire.CreateSnapshotRequest? NewSnapshot(PCG random) =>
        _snapshots.Count >= MaxVolumes || Below(random, 8) == 0 ? Pick(random, _snapshots)?.Request.Clone()
        // Often of a raw device, so that there are two of one to be compared.
        : ((Below(random, 2) == 0 ? Pick(random, _volumes, IsRaw) : null) ?? Pick(random, _volumes, HasSize)) is { } volume ? new Wire.CreateSnapshotRequest { Name = $"right-{_count++}", SourceVolumeId = volume.Id }
        : null;

    private Wire.GetMetadataDeltaRequest? NewComparison(PCG random)
    {
        var newer = Pick(random, _snapshots, cut => cut.IsRaw && _snapshots.Exists(other => other.IsBefore(cut)));
        return newer is null ? null : new()
        {
            BaseSnapshotId = Pick(random, _snapshots, other => other.IsBefore(newer))!.Id, TargetSnapshotId = newer.Id,
            StartingOffset = newer.Size / 4 * Below(random, 5), MaxResults = Below(random, 5),
        };
    }

    private Wire.CreateVolumeGroupSnapshotRequest? NewGroup(PCG random) =>
        Pick(random, _volumes, HasSize) is { } first && _groups.Count < MaxVolumes / 2
            ? new() { Name = $"right-{_count++}", SourceVolumeIds = { new[] { first.Id, Pick(random, _volumes, HasSize)!.Id }.Distinct() } }
            : null;

    private Wire.NodePublishVolumeRequest? NewPublication(PCG random)
    {
        var volume = Pick(random, _volumes, volume => volume.Staging is not null && (volume.Targets.Count == 0 || (volume.IsShared && volume.Targets.Count < 3)));
        return volume is null ? null : Requests.Publish(volume.Id, volume.Staging!, NewTarget(), volume.Capability);
    }

    private Wire.NodePublishVolumeRequest? NewInline(PCG random)
    {
        if (_inline.Count > 10 || Below(random, 8) == 0)
            return Pick(random, _inline)?.Clone();
        var (uid, id) = (Guid.NewGuid(), Guid.NewGuid());
        var target = Path.Combine(kubelet, "pods", uid.ToString(), "volumes", "kubernetes.io~csi", "scratch", "mount");
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        return new()
        {
            VolumeId = $"csi-{id:N}{id:N}",
            TargetPath = target,
            VolumeCapability = Requests.Mount(),
            VolumeContext = { ["csi.storage.k8s.io/ephemeral"] = "true", ["csi.storage.k8s.io/pod.uid"] = uid.ToString(), ["size"] = "1Mi" },
        };
    }

    private Wire.NodeUnpublishVolumeRequest? Unpublication(PCG random) =>
        Below(random, 4) == 0 && Pick(random, _inline) is { } inline ? new() { VolumeId = inline.VolumeId, TargetPath = inline.TargetPath }
        : Pick(random, _volumes, IsPublished) is { } volume ? new() { VolumeId = volume.Id, TargetPath = Pick(random, volume.Targets) }
        : null;

    private string NewPath(string word) => Path.Combine(kubelet, $"right-{word}-{_count++}");

    private string NewTarget() => Path.Combine(Directory.CreateDirectory(NewPath("pod")).FullName, "mount");

    private void With(string id, Action<Live> change)
    {
        if (_volumes.Find(volume => volume.Id == id) is { } volume)
            change(volume);
    }

    private sealed record Live(string Id, Wire.CreateVolumeRequest Request, string Pool)
    {
        internal long Size { get; set; }

        internal string? Staging { get; set; }

        internal List<string> Targets { get; } = [];

        internal Wire.VolumeCapability Capability => Request.VolumeCapabilities.Count > 0 ? Request.VolumeCapabilities[0] : Requests.Mount();

        internal bool IsShared => Capability.AccessMode?.Mode == Mode.SingleNodeMultiWriter;
    }

    private sealed record Cut(string Id, Wire.CreateSnapshotRequest Request, string Pool, long Size, Wire.VolumeCapability Capability, DateTimeOffset Time)
    {
        internal bool IsRaw => Capability.Block is not null;

        /// <summary>Whether it is an older one of the same volume.</summary>
        internal bool IsBefore(Cut other) => Request.SourceVolumeId == other.Request.SourceVolumeId && Id != other.Id && Time < other.Time;
    }
}
