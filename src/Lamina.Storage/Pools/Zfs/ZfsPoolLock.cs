using System.Globalization;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>That one daemon of this host serves a pool: a locked file under the runtime directory, named by what ZFS itself knows the root dataset by.</summary>
internal sealed class ZfsPoolLock : IDisposable
{
    /// <summary>The directory for it, under the runtime directory.</summary>
    internal const string DirectoryName = "zfs";

    private readonly SafeFileHandle _file;
    private readonly FileLock _lock;

    private ZfsPoolLock(SafeFileHandle file, FileLock held)
    {
        _file = file;
        _lock = held;
    }

    /// <summary>Takes it.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: another daemon has it.</exception>
    internal static ZfsPoolLock Take(string runtimeDirectory, ulong guid, string dataset)
    {
        var directory = Path.Combine(runtimeDirectory, DirectoryName);
        Files.MakeDirectories(directory, 0x1C0);
        var file = Files.Open(Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{guid}.lock")), OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.NoFollow, 0x180);
        if (Files.TryLock(file) is { } held)
        {
            held.Sign();
            return new ZfsPoolLock(file, held);
        }
        var owner = FileLock.OwnerOf(file);
        file.Dispose();
        throw new StorageException(StorageError.Unavailable, $"another daemon{owner} serves the pool at {dataset}; one pool has one daemon");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Given back by itself: a child that is just being started may have the file open for a moment longer than we do.
        _lock.Dispose();
        _file.Dispose();
    }
}
