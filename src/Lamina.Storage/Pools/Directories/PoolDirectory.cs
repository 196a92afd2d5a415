using System.Text.Json;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Directories;

/// <summary>
/// The directory that a pool of files lies in, opened once and locked for as long as the pool is served:
/// <c>pool.json</c> (who it is), <c>lock</c>, <c>volumes/</c> and <c>snapshots/</c> with a directory per object, <c>incoming/</c> where objects are
/// built, <c>trash/</c> where they wait to be reclaimed.
/// </summary>
/// <remarks>
/// Nothing durable names what isn't. Where the filesystem does not order metadata by itself, <see cref="FlushBefore"/> makes everything that was
/// done so far durable before the step that names it, by one flush however many directories were changed. ext4 with its journal and XFS do order:
/// whatever a flush makes durable, it makes durable all that happened before it, so there the barrier is free.
/// </remarks>
internal sealed class PoolDirectory : IDisposable
{
    /// <summary>The only format that this version reads and writes.</summary>
    internal const int Format = 1;

    /// <summary>The file that makes a directory a pool.</summary>
    internal const string IdentityFile = "pool.json";

    private const string LockFile = "lock";

    // To look at one is a few requests to the kernel, and nobody waits for it.
    private const int MaxTrashLookedAt = 1000;

    private readonly SafeFileHandle _lockFile;
    private readonly FileLock _lock;
    private readonly bool _isOrdered;

    private PoolDirectory(string path, SafeFileHandle root, SafeFileHandle lockFile, FileLock fileLock, PoolIdentity identity)
    {
        Path = path;
        Root = root;
        _lockFile = lockFile;
        _lock = fileLock;
        Identity = identity;
        FileSystem = Files.StatFs(root);
        _isOrdered = FileSystem.Kind == FileSystemKind.Xfs || (FileSystem.Kind == FileSystemKind.Ext4 && Ext4.HasJournal(root));
        Incoming = Files.OpenDirectoryAt(root, "incoming");
        Trash = Files.OpenDirectoryAt(root, "trash");
    }

    /// <summary>Where it lies.</summary>
    internal string Path { get; }

    /// <summary>The directory itself.</summary>
    internal SafeFileHandle Root { get; }

    /// <summary>Who it is.</summary>
    internal PoolIdentity Identity { get; }

    /// <summary>Objects that are being built.</summary>
    internal SafeFileHandle Incoming { get; }

    /// <summary>Objects that are deleted.</summary>
    internal SafeFileHandle Trash { get; }

    /// <summary>The filesystem beneath, as it was when the pool was opened.</summary>
    internal FileSystemStatus FileSystem { get; }

    /// <summary>The room in the filesystem beneath, now.</summary>
    internal PoolCapacity Capacity
    {
        get
        {
            var status = Files.StatFs(Root);
            return new PoolCapacity(new ByteSize((long)status.TotalBytes), new ByteSize((long)status.AvailableBytes));
        }
    }

    /// <summary>What is common to all pools that lie in a directory.</summary>
    /// <param name="weighTrees">What the directories in an object of the trash take, and what else the backend knows of it; null where it does not know.</param>
    internal PoolFigures GetFigures(Func<TrashEntry, long?> weighTrees)
    {
        var status = Files.StatFs(Root);
        var hasInodes = status.TotalInodes > 0;
        var trash = Files.List(Trash);
        return new PoolFigures
        {
            Inodes = hasInodes ? (long)status.TotalInodes : null,
            FreeInodes = hasInodes ? (long)status.FreeInodes : null,
            TrashEntries = trash.Count,
            TrashBytes = WeighTrash(trash, weighTrees),
            Disk = BlockStatistics.Find(Files.Stat(Root).Device),
        };
    }

    /// <summary>What is wrong with the filesystem beneath just now; nothing where all is well.</summary>
    internal IReadOnlyList<string> FindProblems()
    {
        var problems = new List<string>();
        try
        {
            if (!IsInPlace)
                problems.Add($"its filesystem is not mounted at {Path} any more, so its volumes can't be attached; unmount what else is there, mount it again, and restart the daemon");
            if (Files.StatFs(Root).ReadOnly)
                problems.Add($"the filesystem at {Path} has become read-only; see the kernel log (dmesg)");
        }
        catch (LinuxException e)
        {
            problems.Add($"the filesystem at {Path} can't be looked at: {e.Message}; see the kernel log (dmesg)");
        }
        return problems;
    }

    /// <summary>Refuses to name paths in the pool to anybody when something else lies there now.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>.</exception>
    internal void CheckInPlace()
    {
        if (!IsInPlace)
            throw Unavailable($"the pool's filesystem is not mounted at {Path} any more, though the daemon still has it open; mount it again and restart the daemon");
    }

    // Unmounted lazily, or hidden by another mount: our own descriptors go on working, paths do not.
    private bool IsInPlace => Files.TryStat(Path) is { } there && Files.Stat(Root) is var own && (there.Device, there.Inode) == (own.Device, own.Inode);

    /// <summary>Opens a pool that was made before.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.Unavailable"/>: it isn't there, is served by another daemon, is of another format or backend, or can't be written.
    /// </exception>
    internal static PoolDirectory Open(PoolSettings settings)
    {
        SafeFileHandle? root = null;
        SafeFileHandle? lockFile = null;
        FileLock? fileLock = null;
        try
        {
            root = OpenRoot(settings);
            var identity = ReadIdentity(settings, root);
            if (Files.StatFs(root).ReadOnly)
                throw Unavailable($"the filesystem at {settings.Path} is mounted read-only; see the kernel log (dmesg), then mount it writable");

            // The lock lives as long as the open file.
            lockFile = Files.OpenAt(root, LockFile, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.NoFollow, 0x180);
            fileLock = Files.TryLock(lockFile) ?? throw Unavailable($"another daemon{FileLock.OwnerOf(lockFile)} serves the pool at {settings.Path}; one pool has one daemon");
            fileLock.Sign();
            return new PoolDirectory(settings.Path, root, lockFile, fileLock, identity);
        }
        catch (Exception e)
        {
            fileLock?.Dispose();
            lockFile?.Dispose();
            root?.Dispose();
            if (e is LinuxException linux)
                throw Unavailable($"the pool at {settings.Path} can't be opened: {linux.Message}", linux);
            throw;
        }
    }

    /// <summary>Makes a new pool in a directory that is empty or does not exist yet.</summary>
    /// <param name="settings">Where, and for which backend.</param>
    /// <param name="directories">The directories that the backend wants besides the common ones.</param>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: there is something already.</exception>
    internal static void Initialize(PoolSettings settings, params ReadOnlySpan<string> directories)
    {
        Files.MakeDirectories(settings.Path, 0x1C0);
        using var root = Files.OpenDirectory(settings.Path);
        if (Files.TryStatAt(root, IdentityFile) is not null)
            throw new StorageException(StorageError.FailedPrecondition, $"{settings.Path} holds a pool already; nothing was changed");
        string[] names = ["volumes", "snapshots", "incoming", "trash", .. directories];
        if (Files.List(root).FirstOrDefault(entry => entry.Name != "lost+found" && !IsEmptyDirectory(root, entry.Name, names)) is { Name: not null } entry)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"{settings.Path} is not empty: it holds '{entry.Name}'; a pool is made in an empty directory, and nothing was changed");
        }
        Files.ChangeMode(root, 0x1C0);
        foreach (var name in names)
            Files.TryMakeDirectory(root, name, 0x1C0);
        Files.FlushFileSystem(root);
        var identity = new PoolIdentity(Format, PoolId.NewRandom(), settings.Backend);
        DurableFile.Replace(root, IdentityFile, JsonSerializer.SerializeToUtf8Bytes(identity, PoolIdentityJson.Default.PoolIdentity), 0x180);
    }

    /// <summary>Makes what was done so far durable, before the step that names it.</summary>
    internal void FlushBefore()
    {
        if (_isOrdered)
            return;
        if (FileSystem.Kind == FileSystemKind.Btrfs)
        {
            // One commit makes all of it durable, and callers at the same moment share it.
            Linux.Btrfs.CommitTransaction(Root);
            return;
        }
        Files.FlushFileSystem(Root);
    }

    /// <summary>Moves something into the trash, in one step; what removes it comes behind.</summary>
    /// <param name="directory">Where it is.</param>
    /// <param name="name">What it is called there.</param>
    internal void Discard(SafeFileHandle directory, string name) =>
        Files.Rename(directory, name, Trash, $"{name}.{RandomName.New()}", RenameFlags.NoReplace);

    /// <summary>Moves what crashed operations left in <c>incoming/</c> into the trash.</summary>
    internal void DiscardIncoming()
    {
        foreach (var entry in Files.List(Incoming))
            Discard(Incoming, entry.Name);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Incoming.Dispose();
        Trash.Dispose();

        // Given back by itself: a child that is just being started may have the file open for a moment longer than we do.
        _lock.Dispose();
        _lockFile.Dispose();
        Root.Dispose();
    }

    // What a daemon made that was killed before it wrote who the pool is: there can't be anything in it yet.
    private static bool IsEmptyDirectory(SafeFileHandle root, string name, string[] names)
    {
        if (!names.Contains(name) || Files.StatAt(root, name).Kind != FileKind.Directory)
            return false;
        using var directory = Files.OpenDirectoryAt(root, name);
        return Files.List(directory).Count == 0;
    }

    private ByteSize? WeighTrash(IReadOnlyList<DirectoryEntry> trash, Func<TrashEntry, long?> weighTrees)
    {
        if (trash.Count > MaxTrashLookedAt)
            return null;
        long sum = 0;
        foreach (var entry in trash)
        {
            if (Weigh(entry.Name, weighTrees) is not { } bytes)
                return null;
            sum += bytes;
        }
        return new ByteSize(sum);
    }

    private long? Weigh(string name, Func<TrashEntry, long?> weighTrees)
    {
        try
        {
            var status = Files.StatAt(Trash, name);
            if (status.Kind != FileKind.Directory)
                return Taken(status);
            using var directory = Files.OpenDirectoryAt(Trash, name);
            var (files, trees, sum) = (new List<string>(), new List<string>(), 0L);
            foreach (var child in Files.List(directory))
            {
                if (Files.TryStatAt(directory, child.Name) is not { } found)
                    continue;
                (found.Kind == FileKind.Directory ? trees : files).Add(child.Name);
                sum += found.Kind == FileKind.Directory ? 0 : Taken(found);
            }
            return sum + weighTrees(new TrashEntry(name, directory, files, trees));
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT)
        {
            // Gone meanwhile.
            return 0;
        }

        static long Taken(FileStatus file) => file.Blocks * 512;
    }

    private static SafeFileHandle OpenRoot(PoolSettings settings)
    {
        try
        {
            return Files.OpenDirectory(settings.Path);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT)
        {
            throw Unavailable($"the directory {settings.Path} does not exist; is its disk mounted? To make a new pool there: lamina pool init {settings.Name}", e);
        }
    }

    /// <summary>Which pool lies in a directory, without opening it; null when there is none, or none that can be read.</summary>
    internal static PoolId? TryReadId(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(System.IO.Path.Combine(path, IdentityFile)), PoolIdentityJson.Default.PoolIdentity)?.Id;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or FormatException)
        {
            return null;
        }
    }

    private static PoolIdentity ReadIdentity(PoolSettings settings, SafeFileHandle root)
    {
        var json = Files.TryReadAllAt(root, IdentityFile)
            ?? throw Unavailable($"{settings.Path} holds no {IdentityFile}; is its disk mounted? To make a new pool there: lamina pool init {settings.Name}");
        try
        {
            var format = JsonSerializer.Deserialize(json, PoolIdentityJson.Default.FormatVersion)?.Format;
            if (format != Format)
                throw Unavailable($"the pool at {settings.Path} has format version {format}, and this daemon knows only {Format}; nothing was touched");
            var identity = JsonSerializer.Deserialize(json, PoolIdentityJson.Default.PoolIdentity)!;
            return identity.Backend == settings.Backend
                ? identity
                : throw Unavailable($"the pool at {settings.Path} was made for {identity.Backend}, but is configured as {settings.Backend}");
        }
        catch (JsonException e)
        {
            throw Unavailable($"{settings.Path}/{IdentityFile} can't be read ({e.Message}); nothing was touched", e);
        }
    }

    private static StorageException Unavailable(string message, Exception? inner = null) => new(StorageError.Unavailable, message, inner);
}
