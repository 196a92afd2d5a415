using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Images;

/// <summary>Copies images whole: by sharing their blocks where the filesystem can, else their data, with the holes kept.</summary>
internal static class ImageCopy
{
    // Large enough to be quick, small enough to tell of its progress.
    private const long Step = 64L << 20;

    /// <summary>Copies all that is in a file to an empty one. The content is not flushed.</summary>
    /// <param name="source">An image that nobody writes to.</param>
    /// <param name="target">An empty file.</param>
    /// <param name="progress">Told how many bytes are done, of how many.</param>
    internal static Task RunAsync(SafeFileHandle source, SafeFileHandle target, Action<long, long> progress) => Task.Factory.StartNew(
        // A thread of its own: it waits for disks, and the pool's threads have others to serve.
        () => Copy(source, target, progress),
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);

    /// <summary>The bytes that the file takes on the disk.</summary>
    internal static long AllocatedBytes(SafeFileHandle image) => Files.Stat(image).Blocks * 512;

    private static void Copy(SafeFileHandle source, SafeFileHandle target, Action<long, long> progress)
    {
        var length = Files.Stat(source).Size;
        var total = Math.Min(AllocatedBytes(source), length);
        var done = 0L;
        Files.SetLength(target, length);
        foreach (var extent in Files.DataExtents(source, length))
        {
            for (var offset = extent.Offset; offset < extent.End;)
            {
                var copied = Files.CopyRange(source, offset, target, offset, Math.Min(Step, extent.End - offset));
                if (copied == 0)
                    throw new LinuxException($"copy {Files.CurrentPath(source)}", Errno.EIO, "it became shorter while it was copied");
                offset += copied;
                done += copied;
                progress(Math.Min(done, total), total);
            }
        }
    }
}
