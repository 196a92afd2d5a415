using Lamina.Linux;
using Lamina.Storage.Operations;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Images;

internal sealed partial class ImagePool
{
    private const int UnmountLooks = 2000;
    private static readonly TimeSpan s_copyReports = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_unmountPause = TimeSpan.FromMilliseconds(5);

    private static async Task FormatAsync(SafeFileHandle image, Volume volume)
    {
        Files.SetLength(image, SizeOf(volume).Bytes);
        if (volume.FileSystem is not { } fileSystem)
            return;

        // It was made a moment ago; but nothing is formatted that has not been looked at.
        if (Files.DataExtents(image, Files.Stat(image).Size).Any())
            throw new StorageException(StorageError.Internal, $"{Files.CurrentPath(image)} holds data and is not formatted");
        await ImageTools.FormatAsync(fileSystem, Files.CurrentPath(image)).ConfigureAwait(false);
    }

    private async Task CopyAsync(SafeFileHandle image, Volume volume, VolumeContent source)
    {
        if (source is VolumeContent.OfSnapshot of)
        {
            using var original = OpenImage(_snapshots, _snapshots.Get(of.Snapshot.Id.Key).Key, $"snapshot {of.Snapshot.Id}");
            await CopyUnusedAsync(original, image, volume.Source!.ToString()).ConfigureAwait(false);
        }
        else
        {
            await CutAsync(((VolumeContent.OfVolume)source).Volume, image).ConfigureAwait(false);
        }
        if (volume.FileSystem is { } fileSystem)
        {
            ImageContent.Check(image, fileSystem, volume.Source!.ToString());
            await ImageTools.RenewAsync(fileSystem, Files.CurrentPath(image)).ConfigureAwait(false);
        }
        Files.SetLength(image, Math.Max(Files.Stat(image).Size, SizeOf(volume).Bytes));
    }

    /// <summary>Shares or copies an image that nobody uses.</summary>
    private async Task CopyUnusedAsync(SafeFileHandle source, SafeFileHandle target, string what)
    {
        if (SharesBlocks() && Files.TryReflink(source, target))
            return;
        var bytes = new ByteSize(ImageCopy.AllocatedBytes(source));
        if (bytes > _settings.MaxCopySize)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"{what} holds {bytes}, which would have to be copied as {_directory.FileSystem.Kind.ToString().ToLowerInvariant()} shares no blocks between files, and pool '{_settings.Name}' copies at most {_settings.MaxCopySize}. Raise its maxCopySize, or use a pool on XFS or Btrfs");
        }
        // The others in the pool need what is left to write.
        var free = GetCapacity().Available.Bytes - _settings.MinFree.Bytes;
        if (bytes.Bytes > free)
        {
            throw new StorageException(StorageError.ResourceExhausted,
                $"{what} holds {bytes}, which would have to be copied, and pool '{_settings.Name}' has only {new ByteSize(Math.Max(0, free))} to spare; free space or add some, or use a pool on XFS or Btrfs");
        }
        var began = _time.GetTimestamp();
        _logger.ImageCopyBegins(what, bytes);
        var told = began;
        await ImageCopy.RunAsync(source, target, (done, total) =>
        {
            RunningOperation.Report(done, total);
            if (_time.GetElapsedTime(told) < s_copyReports)
                return;
            told = _time.GetTimestamp();
            _logger.ImageCopyGoesOn(what, new ByteSize(done), new ByteSize(total));
        }).ConfigureAwait(false);
        _logger.ImageCopied(what, bytes, _time.GetElapsedTime(began));
    }

    /// <summary>Gives the root directory of a filesystem that nobody uses yet the owner and mode that were asked for.</summary>
    private static void SetRoot(SafeFileHandle image, VolumeFileSystem fileSystem, VolumeParameters parameters)
    {
        if (parameters is { Uid: null, Gid: null, Mode: null })
            return;

        // A mount that nobody sees, of a device that goes with it.
        using (var loop = ImageDevice.Attach(image, Files.CurrentPath(image), isRaw: false))
        using (var root = DeviceFileSystem.Open(loop.Path, fileSystem))
            DeviceFileSystem.SetRoot(root, parameters);
        // Unmounting is what writes the rest, and it must be over before the image is flushed.
        for (var left = UnmountLooks; ImageDevice.Find(image) is { } loop; left--)
        {
            if (left == 0)
                throw new StorageException(StorageError.FailedPrecondition, $"somebody has opened {loop.Path} while its filesystem was made; call again");
            Thread.Sleep(s_unmountPause);
        }
    }
}
