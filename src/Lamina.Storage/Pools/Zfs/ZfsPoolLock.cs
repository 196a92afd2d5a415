using System.Globalization;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>
/// That one daemon of this host serves a pool: a locked file, named by what ZFS itself knows the root dataset by. It lies at one place of the host, whatever
/// runtime directory a daemon has: a dataset, unlike a directory, has no place of its own where all daemons would find a file.
/// </summary>
internal sealed class ZfsPoolLock : IDisposable
{
    /// <summary>The directory for it, the same for all daemons; it is not configured.</summary>
    internal const string HostDirectory = "/run/lamina/zfs";

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly FileLock _lock;

    private ZfsPoolLock(string path, SafeFileHandle file, FileLock held)
    {
        _path = path;
        _file = file;
        _lock = held;
    }

    /// <summary>Where the lock of a root dataset is.</summary>
    internal static string PathOf(ulong guid) => Path.Combine(HostDirectory, string.Create(CultureInfo.InvariantCulture, $"{guid}.lock"));

    /// <summary>Takes it.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: another daemon has it.</exception>
    internal static ZfsPoolLock Take(ulong guid, string dataset)
    {
        // Users of volumes pass through /run/lamina, which may be made here.
        Files.MakeDirectories(Path.GetDirectoryName(HostDirectory)!, 0x1C9);
        Files.MakeDirectories(HostDirectory, 0x1C0);
        var path = PathOf(guid);
        while (true)
        {
            var file = Files.Open(path, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.NoFollow, 0x180);
            if (Files.TryLock(file) is not { } held)
            {
                var owner = FileLock.OwnerOf(file);
                file.Dispose();
                throw new StorageException(StorageError.Unavailable, $"another daemon{owner} serves the pool at {dataset}; one pool has one daemon");
            }
            // Whoever had it before may have removed it since it was opened: a lock on what nobody else finds is none.
            if (Files.TryStat(path) is { } there && there.IsSameFile(Files.Stat(file)))
            {
                held.Sign();
                return new ZfsPoolLock(path, file, held);
            }
            held.Dispose();
            file.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        using (var directory = Files.OpenDirectory(HostDirectory))
            Files.TryUnlink(directory, Path.GetFileName(_path));
        // Given back by itself: a child that is just being started may have the file open for a moment longer than we do.
        _lock.Dispose();
        _file.Dispose();
    }
}
