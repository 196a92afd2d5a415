using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;
using Wire = Csi.V1;

namespace Lamina.Tests.Csi;

/// <summary>Requests that are right in every field, for tests to spoil one.</summary>
internal static class Requests
{
    internal static Wire.VolumeCapability Mount(Mode mode = Mode.SingleNodeWriter, string fileSystem = "", params string[] flags) =>
        new() { AccessMode = new() { Mode = mode }, Mount = new() { FsType = fileSystem, MountFlags = { flags } } };

    internal static Wire.VolumeCapability Block(Mode mode = Mode.SingleNodeWriter) => new() { AccessMode = new() { Mode = mode }, Block = new() };

    internal static Wire.CreateVolumeRequest CreateVolume(string name) => new() { Name = name, VolumeCapabilities = { Mount() }, Secrets = { ["password"] = PlantedSecrets.Value } };

    internal static Wire.VolumeContentSource FromSnapshot(string id) => new() { Snapshot = new() { SnapshotId = id } };

    internal static Wire.VolumeContentSource FromVolume(string id) => new() { Volume = new() { VolumeId = id } };

    internal static Wire.Topology Place(string node) => new() { Segments = { ["topology.lamina.dev/node"] = node } };

    internal static Wire.NodeStageVolumeRequest Stage(string volume, string path, Wire.VolumeCapability? capability = null) =>
        new() { VolumeId = volume, StagingTargetPath = path, VolumeCapability = capability ?? Mount(), Secrets = { ["password"] = PlantedSecrets.Value } };

    internal static Wire.NodePublishVolumeRequest Publish(
        string volume, string staging, string target, Wire.VolumeCapability? capability = null, bool readOnly = false) =>
        new()
        {
            VolumeId = volume, StagingTargetPath = staging, TargetPath = target, VolumeCapability = capability ?? Mount(), Readonly = readOnly,
            Secrets = { ["password"] = PlantedSecrets.Value }, VolumeContext = { [PlantedSecrets.TokenKey] = PlantedSecrets.Value },
        };
}
