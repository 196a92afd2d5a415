using Lamina.Storage;

namespace Lamina.Csi.Requests;

/// <summary>Ids as they come from outside. One that is not of our form names nothing here: it is not found, rather than invalid.</summary>
internal static class RequestIds
{
    /// <exception cref="StorageException"><see cref="StorageError.NotFound"/>.</exception>
    internal static VolumeId Volume(string text) =>
        VolumeId.TryParse(text, out var id) ? id : throw new StorageException(StorageError.NotFound, $"there is no volume '{text}': this driver gives no such ids");

    /// <exception cref="StorageException"><see cref="StorageError.NotFound"/>.</exception>
    internal static SnapshotId Snapshot(string text) =>
        SnapshotId.TryParse(text, out var id) ? id : throw new StorageException(StorageError.NotFound, $"there is no snapshot '{text}': this driver gives no such ids");

    /// <exception cref="StorageException"><see cref="StorageError.NotFound"/>.</exception>
    internal static SnapshotGroupId SnapshotGroup(string text) => SnapshotGroupId.TryParse(text, out var id)
        ? id
        : throw new StorageException(StorageError.NotFound, $"there is no group snapshot '{text}': this driver gives no such ids");
}
