using Lamina.Storage;
using Wire = Csi.V1;

namespace Lamina.Csi.Requests;

/// <summary>Reads a request for a volume.</summary>
internal static class CreateVolumeParser
{
    /// <exception cref="StorageException">
    /// <see cref="StorageError.InvalidArgument"/>; <see cref="StorageError.NotFound"/>: a source whose id is none of ours;
    /// <see cref="StorageError.Unsupported"/>: mutable parameters where they are not offered.
    /// </exception>
    internal static VolumeRequest Parse(Wire.CreateVolumeRequest request, CsiPlugin plugin, bool hasAttributes)
    {
        var name = Required.Text(request.Name, "name");
        var accesses = VolumeAccess.ParseAll(request.VolumeCapabilities);
        if (accesses.Select(access => access.FlagObstacle).FirstOrDefault(obstacle => obstacle is not null) is { } obstacle)
            throw new StorageException(StorageError.InvalidArgument, obstacle);
        if (accesses.Any(access => access.Kind != accesses[0].Kind || access.FileSystem != accesses[0].FileSystem))
            throw new StorageException(StorageError.InvalidArgument, "the volume_capabilities differ in access type or filesystem; a volume has one of each");
        if (request.MutableParameters.Count > 0 && !hasAttributes)
            throw new StorageException(StorageError.Unsupported, "mutable_parameters need MODIFY_VOLUME, which is not offered here");
        var parameters = ClassParameters.Parse(request.Parameters);
        return new VolumeRequest
        {
            Name = name,
            Door = Door.Csi,
            Pool = parameters.Pool,
            Size = CapacityRanges.Parse(request.CapacityRange),
            Kind = accesses[0].Kind,
            FileSystem = accesses[0].FileSystem,
            Source = request.VolumeContentSource is { } source ? ParseSource(source) : null,
            Parameters = parameters.Volume,
            Attributes = VolumeAttributes.Parse(request.MutableParameters),
            Key = VolumeKey.Find(request.Secrets),
            Labels = parameters.Labels,
            IsWantedHere = Places.Allow(request.AccessibilityRequirements, plugin),
        };
    }

    private static VolumeSource ParseSource(Wire.VolumeContentSource source) => source.TypeCase switch
    {
        Wire.VolumeContentSource.TypeOneofCase.Snapshot => VolumeSource.From(RequestIds.Snapshot(Required.Text(source.Snapshot.SnapshotId, "snapshot_id"))),
        Wire.VolumeContentSource.TypeOneofCase.Volume => VolumeSource.From(RequestIds.Volume(Required.Text(source.Volume.VolumeId, "volume_id"))),
        _ => throw Required.Missing("type of volume_content_source"),
    };
}
