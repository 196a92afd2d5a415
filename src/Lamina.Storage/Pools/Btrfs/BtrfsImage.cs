using Lamina.Linux;
using Lamina.Storage.Attachments;
using Lamina.Storage.Pools.Directories;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Btrfs;

/// <summary>
/// A Btrfs of a pool's own, in a sparse file on whatever filesystem: formatted once, when the pool is made, and mounted by a loop device that
/// goes past the page cache, so that nothing is cached twice and a flush is one. The mount stays when the daemon ends.
/// </summary>
internal static class BtrfsImage
{
    /// <summary>Below this mkfs.btrfs refuses, or little of it is left for data.</summary>
    internal static readonly ByteSize MinSize = ByteSize.FromMebibytes(256);

    /// <summary>Mounts the image at the pool's path, unless it is mounted there.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: it isn't there, or something else is at the path.</exception>
    internal static void EnsureMounted(PoolSettings settings)
    {
        try
        {
            if (Files.TryStat(settings.Image!) is not { Kind: FileKind.Regular } image)
                throw Unavailable($"the image {settings.Image} does not exist; is its disk mounted? To make a new pool there: lamina pool init {settings.Name}");
            var loops = LoopDevice.ListByBacking(image.Device, image.Inode);
            if (MountTable.Read().FindTop(settings.Path) is { } mounted)
            {
                if (mounted.FileSystemType == "btrfs" && loops.Any(loop => mounted.Source == loop.Path && loop.IsWhole))
                    return;
                throw Unavailable($"at {settings.Path} something else is mounted than the image {settings.Image}: {mounted.Source} ({mounted.FileSystemType}); unmount it first");
            }
            if (loops.FirstOrDefault(loop => !loop.IsWhole) is { } other)
                throw Unavailable($"the image {settings.Image} is at {other.Path} already, read-only or from the middle; detach that first: losetup --detach {other.Path}");
            Mount(settings, loops.FirstOrDefault());
        }
        catch (LinuxException e)
        {
            throw Unavailable($"the image {settings.Image} can't be mounted at {settings.Path}: {e.Message}", e);
        }
    }

    /// <summary>Makes an image, formats it, mounts it, switches simple quotas on and makes the pool in it; all of it or nothing.</summary>
    /// <param name="settings">Where.</param>
    /// <param name="size">How large the image is to look; it takes from its disk only what is written.</param>
    /// <param name="initialize">Makes the pool.</param>
    /// <param name="cancellationToken">Gives up the formatting.</param>
    /// <exception cref="StorageException">Something is there already, or the tool is missing.</exception>
    internal static async Task CreateAsync(PoolSettings settings, ByteSize? size, Action initialize, CancellationToken cancellationToken)
    {
        if (size is not { } bytes)
            throw new StorageException(StorageError.InvalidArgument, $"say how large the image {settings.Image} is to be, at least {MinSize}: --image-size 50Gi");
        if (bytes < MinSize)
            throw new StorageException(StorageError.InvalidArgument, $"the image's size of {bytes} is too small for a Btrfs; it must be at least {MinSize}");
        CheckPlace(settings);

        var name = Path.GetFileName(settings.Image!);
        Files.MakeDirectories(Path.GetDirectoryName(settings.Image!)!, 0x1C0);
        using var directory = Files.OpenDirectory(Path.GetDirectoryName(settings.Image!)!);
        // Formatted under a name that nothing had before, so that whatever happens no file is formatted that was there.
        var temporary = $".{name}.{RandomName.New()}";
        var placed = false;
        var hadMountPoint = Files.TryStat(settings.Path) is not null;
        try
        {
            using (var file = Files.OpenAt(directory, temporary, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, 0x180))
            {
                // On a Btrfs host: the image's own Btrfs copies on write and checks, once is enough.
                Files.TrySetNoCopyOnWrite(file, true);
                Files.SetLength(file, bytes.Bytes);
            }
            await FormatAsync(settings, temporary, cancellationToken).ConfigureAwait(false);
            Place(directory, temporary, name, settings);
            placed = true;
            Mount(settings, null);
            EnableQuotas(settings);
            initialize();
        }
        catch
        {
            // A file beneath a mount that can't be undone stays: whoever has it open may write there still.
            if (!placed || MountQuery.At(settings.Path) is null || Unmounting.TryUnmount(settings.Path))
            {
                Files.TryUnlink(directory, placed ? name : temporary);
                if (!hadMountPoint && Directory.Exists(settings.Path))
                    Directory.Delete(settings.Path);
            }
            throw;
        }
    }

    // Before anything is made, so that what is refused leaves no directory either.
    private static void CheckPlace(PoolSettings settings)
    {
        if (Files.TryStat(settings.Image!) is not null)
            throw AlreadyThere(settings);
        if (Files.TryStat(settings.Path) is not { } place)
            return;
        if (place.Kind != FileKind.Directory || MountQuery.At(settings.Path) is not null || Directory.EnumerateFileSystemEntries(settings.Path).Any())
            throw new StorageException(StorageError.FailedPrecondition, $"{settings.Path}, where the image is to be mounted, is not an empty directory; nothing was changed");
    }

    private static void EnableQuotas(PoolSettings settings)
    {
        using var root = Files.OpenDirectory(settings.Path);
        try
        {
            BtrfsQuota.EnableSimple(root);
        }
        catch (LinuxException e) when (e.Errno is Errno.EINVAL && !settings.SimpleQuota)
        {
            // A kernel before 6.7. The pool is good without them, and says that its limits are advisory.
        }
    }

    private static void Place(SafeFileHandle directory, string temporary, string name, PoolSettings settings)
    {
        try
        {
            Files.Rename(directory, temporary, directory, name, RenameFlags.NoReplace);
        }
        catch (LinuxException e) when (e.Errno is Errno.EEXIST)
        {
            throw AlreadyThere(settings);
        }
        Files.Flush(directory);
    }

    private static async Task FormatAsync(PoolSettings settings, string file, CancellationToken cancellationToken)
    {
        ChildResult result;
        try
        {
            result = await ChildProcess.RunAsync(
                "mkfs.btrfs",
                ["--quiet", "--label", $"lamina-{settings.Name}", Path.Combine(Path.GetDirectoryName(settings.Image!)!, file)],
                cancellationToken).ConfigureAwait(false);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT)
        {
            throw new StorageException(StorageError.FailedPrecondition, "mkfs.btrfs is needed to make an image and is not installed: apt-get install btrfs-progs", e);
        }
        if (!result.Succeeded)
            throw new StorageException(StorageError.Internal, $"mkfs.btrfs failed for {settings.Image} with exit code {result.ExitCode}: {result.Error.Trim()}");
    }

    private static void Mount(PoolSettings settings, LoopStatus? attached)
    {
        Files.MakeDirectories(settings.Path, 0x1C0);
        if (Directory.EnumerateFileSystemEntries(settings.Path).Any())
            throw Unavailable($"{settings.Path}, where the image {settings.Image} is to be mounted, is not empty; move away what is there");

        // A second device over the same file would have a cache of its own, which ruins the filesystem.
        using var loop = attached is null ? Attach(settings) : LoopDevice.Open(attached.Number, readOnly: false);
        using var mount = Mounts.CreateFileSystem("btrfs", loop.Path, [new("discard", "async")], MountAttributes.None);
        Mounts.Attach(mount, settings.Path);
    }

    private static LoopDevice Attach(PoolSettings settings)
    {
        using var file = Files.Open(settings.Image!, OpenFlags.ReadWrite);
        return LoopDevice.Attach(file, settings.Image!, direct: true, readOnly: false, autoClear: true);
    }

    private static StorageException AlreadyThere(PoolSettings settings) => new(StorageError.FailedPrecondition,
        $"{settings.Image} exists already; no file that exists is ever formatted. Nothing was changed");

    private static StorageException Unavailable(string message, Exception? inner = null) => new(StorageError.Unavailable, message, inner);
}
