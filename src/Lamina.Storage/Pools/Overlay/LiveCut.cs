namespace Lamina.Storage.Pools.Overlay;

/// <summary>
/// The cut of a volume in use. Its writers would have to be stopped for a moment, which this version does not do: it refuses, and changes nothing.
/// </summary>
internal sealed class LiveCut
{
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>, always, with what helps.</exception>
    internal Task<LiveCutResult> RunAsync(LiveCutRequest request) => throw new StorageException(StorageError.FailedPrecondition,
        $"volume {request.Volume} is mounted at {request.MountPoint}: an overlay volume can't be cut while it is in use; detach it and call again");
}
