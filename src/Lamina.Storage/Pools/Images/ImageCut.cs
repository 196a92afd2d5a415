using Lamina.Linux;
using Lamina.Storage.Pauses;
using Lamina.Storage.Pools.Cuts;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Images;

/// <summary>
/// The cut of a volume's image into an empty file. One that is in use shares its blocks with the file at one moment, of which <see cref="DeviceHold"/> takes
/// care. One that nobody uses is there from the beginning, as it does not change.
/// </summary>
/// <param name="volume">The volume, with its use.</param>
/// <param name="source">Its image; closed in the end.</param>
/// <param name="target">The file; the caller's.</param>
/// <param name="loop">The device over the image, closed in the end, which keeps it from going; null: nobody uses it, and it was copied.</param>
/// <param name="settings">The pool's settings.</param>
/// <param name="pauses">Freezes filesystems.</param>
internal sealed class ImageCut(
    VolumeInUse volume, SafeFileHandle source, SafeFileHandle target, LoopDevice? loop, PoolSettings settings, WriterPauses pauses) : IVolumeCut
{
    private readonly DeviceHold? _hold = loop is null ? null : new DeviceHold(volume, loop.Path, loop.Handle, settings, pauses);

    /// <inheritdoc/>
    public VolumeId Volume => volume.Volume.Id;

    /// <inheritdoc/>
    public string? MountPoint => _hold is null ? null : volume.MountPoint;

    /// <inheritdoc/>
    public bool StopsWriters => false;

    /// <inheritdoc/>
    public bool HoldsWriters => _hold is { HoldsWriters: true };

    /// <inheritdoc/>
    public string? StopObstacle => _hold?.StopObstacle;

    /// <inheritdoc/>
    public PauseLimits Limits => settings.PauseLimits;

    /// <summary>How long its filesystem was frozen, when it is finished.</summary>
    internal TimeSpan? Pause => _hold?.Pause;

    /// <inheritdoc/>
    public void Prepare() => _hold?.Prepare();

    /// <inheritdoc/>
    public void Hold() => _hold?.Hold();

    /// <inheritdoc/>
    public void Cut(WritePoint point)
    {
        if (_hold is null)
            return;
        _hold.BeforeCut();
        if (!Files.TryReflink(source, target))
            throw new StorageException(StorageError.FailedPrecondition, $"volume {Volume} can't be cut while in use: its image shares no blocks, as its flags differ (lsattr). Detach the volume first");
    }

    /// <inheritdoc/>
    public void LetGo() => _hold?.LetGo();

    /// <inheritdoc/>
    public void Finish()
    {
        _hold?.Finish();
        Files.Flush(target);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _hold?.Dispose();
        loop?.Dispose();
        source.Dispose();
        return ValueTask.CompletedTask;
    }
}
