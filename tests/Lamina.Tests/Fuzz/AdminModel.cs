using CsCheck;
using Google.Protobuf;
using Lamina.Storage;
using Wire = Lamina.V1;

namespace Lamina.Tests.Fuzz;

/// <summary>The same for the door of the command line.</summary>
/// <param name="directory">Where new pools may be made.</param>
internal sealed class AdminModel(string directory) : Model
{
    private const int MaxVolumes = 30;
    private readonly List<Wire.Volume> _volumes = [];
    private readonly List<Wire.Snapshot> _snapshots = [];
    private readonly List<Wire.SnapshotGroup> _groups = [];
    private readonly List<Wire.AttachVolumeRequest> _attached = [];
    private readonly List<Wire.InitPoolRequest> _pools = [];
    private int _count;

    protected override IMessage? RightFor(string rpc, PCG random) => rpc switch
    {
        "lamina.v1.Pools/Inspect" => new Wire.InspectPoolRequest { Pool = Pick(random, ["default", "tree", "gone", "bind"]) },
        // Making one takes long.
        "lamina.v1.Pools/Init" => _pools.Count >= 3 ? null : new Wire.InitPoolRequest { Name = NewName(), Backend = "overlay2", Path = Path.Combine(directory, NewName()) },
        "lamina.v1.Pools/Forget" => new Wire.ForgetPoolRequest { Id = PoolId.NewRandom().ToString() },
        "lamina.v1.Volumes/Create" => NewVolume(random),
        "lamina.v1.Volumes/List" => new Wire.ListVolumesRequest(),
        "lamina.v1.Volumes/Inspect" => Pick(random, _volumes) is { } volume ? new Wire.InspectVolumeRequest { Volume = Below(random, 2) == 0 ? volume.Id : volume.Name } : null,
        "lamina.v1.Volumes/Delete" => Pick(random, _volumes, volume => _attached.All(attached => attached.Volume != volume.Id)) is { } volume ? new Wire.DeleteVolumeRequest { Volume = volume.Id } : null,
        "lamina.v1.Volumes/Resize" => Pick(random, _volumes) is { } volume ? new Wire.ResizeVolumeRequest { Volume = volume.Id, SizeBytes = (4L << 20) + volume.SizeBytes } : null,
        "lamina.v1.Volumes/Modify" => Pick(random, _volumes, volume => volume.Pool == "tree") is { } volume
            ? new Wire.ModifyVolumeRequest { Volume = volume.Id, Attributes = { ["compression"] = Pick(random, ["zstd", "lzo", "none"])! } } : null,
        "lamina.v1.Volumes/Attach" => Pick(random, _volumes) is { } volume ? new Wire.AttachVolumeRequest { Volume = volume.Id, Reference = NewName() } : null,
        "lamina.v1.Volumes/Detach" => Pick(random, _attached) is { } attached ? new Wire.DetachVolumeRequest { Volume = attached.Volume, Reference = attached.Reference } : null,
        "lamina.v1.Snapshots/Create" => Pick(random, _volumes) is { } volume && _snapshots.Count < MaxVolumes ? new Wire.CreateSnapshotRequest { Volume = volume.Id, Name = NewName() } : null,
        "lamina.v1.Snapshots/List" => new Wire.ListSnapshotsRequest(),
        "lamina.v1.Snapshots/Delete" => Pick(random, _snapshots) is { } snapshot ? new Wire.DeleteSnapshotRequest { Snapshot = snapshot.Id } : null,
        "lamina.v1.Snapshots/RestoreInPlace" => Pick(random, _snapshots) is { } point ? new Wire.RestoreInPlaceRequest { Snapshot = point.Id } : null,
        "lamina.v1.Snapshots/Restore" => Pick(random, _snapshots) is { } snapshot && _volumes.Count < MaxVolumes ? new Wire.RestoreSnapshotRequest { Snapshot = snapshot.Id, Volume = NewName() } : null,
        "lamina.v1.SnapshotGroups/Create" => Pick(random, _volumes) is { } volume && _groups.Count < MaxVolumes
            ? new Wire.CreateSnapshotGroupRequest { Name = NewName(), Volumes = { new[] { volume.Id, Pick(random, _volumes)!.Id }.Distinct() } } : null,
        "lamina.v1.SnapshotGroups/Inspect" => Pick(random, _groups) is { } group ? new Wire.InspectSnapshotGroupRequest { Group = group.Id } : null,
        "lamina.v1.SnapshotGroups/Delete" => Pick(random, _groups) is { } group ? new Wire.DeleteSnapshotGroupRequest { Group = group.Id } : null,
        "lamina.v1.Calls/Get" => new Wire.GetCallsRequest(),
        "lamina.v1.Tree/Get" => Pick(random, _volumes) is { } volume && Below(random, 2) == 0 ? new Wire.GetTreeRequest { Volume = volume.Id } : new Wire.GetTreeRequest(),
        _ => null,
    };

    protected override void Granted(string rpc, IMessage request, IMessage? answer)
    {
        switch (request, answer)
        {
            case (Wire.InitPoolRequest made, _):
                _pools.Add(made);
                break;
            case (Wire.CreateVolumeRequest or Wire.RestoreSnapshotRequest, Wire.Volume made) when _volumes.All(volume => volume.Id != made.Id):
                _volumes.Add(made);
                break;
            case (Wire.ResizeVolumeRequest, Wire.Volume resized) when _volumes.Find(volume => volume.Id == resized.Id) is { } volume:
                volume.SizeBytes = resized.SizeBytes;
                break;
            case (Wire.DeleteVolumeRequest, Wire.DeleteVolumeResponse { Id: var id }):
                _volumes.RemoveAll(volume => volume.Id == id);
                break;
            case (Wire.AttachVolumeRequest attach, _):
                _attached.Add(attach);
                break;
            case (Wire.DetachVolumeRequest detach, _):
                _attached.RemoveAll(attach => attach.Volume == detach.Volume && attach.Reference == detach.Reference);
                break;
            case (Wire.CreateSnapshotRequest, Wire.Snapshot made):
                _snapshots.Add(made);
                break;
            case (Wire.DeleteSnapshotRequest, Wire.DeleteSnapshotResponse { Id: var id }):
                _snapshots.RemoveAll(snapshot => snapshot.Id == id);
                break;
            case (Wire.CreateSnapshotGroupRequest, Wire.SnapshotGroup made):
                _groups.Add(made);
                break;
            case (Wire.DeleteSnapshotGroupRequest, Wire.DeleteSnapshotGroupResponse { Id: var id }):
                _groups.RemoveAll(group => group.Id == id);
                break;
        }
    }

    private Wire.CreateVolumeRequest? NewVolume(PCG random)
    {
        if (_volumes.Count >= MaxVolumes)
            return null;
        var request = new Wire.CreateVolumeRequest { Name = NewName(), SizeBytes = 1L << (20 + Below(random, 3)), Pool = Below(random, 2) == 0 ? "default" : "tree" };
        if (Below(random, 4) == 0 && Pick(random, _volumes) is { } volume)
            (request.Volume, request.Pool, request.SizeBytes) = (volume.Id, volume.Pool, Math.Max(request.SizeBytes, volume.SizeBytes));
        return request;
    }

    private string NewName() => $"admin-{_count++}";
}
