using Lamina.Linux;
using Lamina.Storage.Pools.Cuts;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>
/// A copy of a layer's tree that follows it while it is written to, and in the end, when nobody writes, is exactly equal: content with its
/// holes, names, hard links, owners, modes, times, all extended attributes, whiteouts and other special files.
/// </summary>
/// <remarks>
/// <para>The copy is made in passes. Each looks at everything and brings over what has changed, the first one all. Passes while writers run
/// tolerate what moves under them, and leave it to the next; the last pass, while they stand still, tolerates nothing.</para>
/// <para>What has changed is told by the time of change. For each file that is read before the file's dirty pages are written back, and the
/// content after that: a store into a mapped page that is dirty already moves no time, but the first one after the write-back does. A time
/// within <see cref="s_doubt"/> of the clock counts as changed, since a later change could have the same.</para>
/// <para>Files are known by inode, so what is renamed in the original is renamed in the copy.</para>
/// </remarks>
internal sealed partial class UpperCopy : IDisposable
{
    /// <summary>
    /// Of each file and directory some 300 bytes are kept in memory while it is copied. More than so many are refused, before anybody is stopped: a
    /// daemon that runs out of memory takes all volumes with it.
    /// </summary>
    internal const int MaxEntries = 2_000_000;

    private static readonly TimeSpan s_doubt = TimeSpan.FromMilliseconds(10);
    private static readonly HashSet<ulong> s_nothing = [];

    private readonly SafeFileHandle _source;
    private readonly SafeFileHandle _target;
    private readonly SafeFileHandle _mount;
    private readonly int _maxEntries;
    private readonly FileContent _content;
    private readonly CopiedEntry _root;
    private readonly Dictionary<ulong, CopiedEntry> _entries = [];
    private int _pass;
    private int _depth;
    private bool _isRunning;
    private IReadOnlySet<ulong> _mapped = s_nothing;
    private CancellationToken _cancellation;
    private FileStatus _rootStatus;

    /// <param name="source">The tree, which may be written to by others. Not owned.</param>
    /// <param name="target">An empty directory on the same filesystem. Not owned.</param>
    /// <param name="mount">Where the users of the volume see the tree, with the layers below it. Not owned.</param>
    /// <param name="maxEntries">How many files and directories are copied at most.</param>
    internal UpperCopy(SafeFileHandle source, SafeFileHandle target, SafeFileHandle mount, int maxEntries = MaxEntries)
    {
        _source = source;
        _target = target;
        _mount = mount;
        _maxEntries = maxEntries;
        _content = new FileContent(Files.StatFs(target).Kind);
        var status = Files.Stat(source);
        _root = new CopiedEntry(status.Inode, status.Created, FileKind.Directory);
        (_attic, _atticHandle) = MakeAttic();
    }

    /// <summary>How many entries were brought over by the last pass.</summary>
    internal int Changes { get; private set; }

    /// <summary>How many files and directories the copy has.</summary>
    internal int Count => _entries.Count;

    /// <summary>Brings over what has changed, while others write.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: it is too deep, or too much.</exception>
    internal void Follow(CancellationToken cancellation)
    {
        _isRunning = true;
        _mapped = s_nothing;
        Pass(cancellation);
        EmptyAttic();
    }

    /// <summary>Brings over what has changed, while nobody writes: afterwards the copy is equal.</summary>
    /// <param name="mapped">The inodes, as users see them, of files that are stored into through memory: compared whatever their times say.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SourceChangedException">Somebody does write.</exception>
    internal void Complete(IReadOnlySet<ulong> mapped, CancellationToken cancellation)
    {
        _isRunning = false;
        _mapped = mapped;
        Pass(cancellation);
    }

    /// <summary>Whether the original is still as it was when it was last looked at, all of it, and nothing in it is of later than a moment.</summary>
    /// <exception cref="SourceChangedException">It is not; the message names the first thing that isn't.</exception>
    internal void Verify(Timestamp moment, CancellationToken cancellation)
    {
        _cancellation = cancellation;
        VerifyDirectory(_root, _source, moment);
    }

    /// <summary>Removes what was needed only for the copying. The copy is not durable yet.</summary>
    internal void Finish()
    {
        EmptyAttic();
        RemoveAttic();
        Files.SetTimes(_target, ".", _rootStatus.Accessed, _rootStatus.Modified);
    }

    /// <summary>Removes all that was copied.</summary>
    internal void Clear()
    {
        foreach (var entry in Files.List(_target))
            TreeRemoval.Remove(_target, entry.Name, CancellationToken.None);
    }

    /// <inheritdoc/>
    public void Dispose() => _atticHandle.Dispose();

    private void Pass(CancellationToken cancellation)
    {
        _cancellation = cancellation;
        _pass++;
        _depth = 0;
        Changes = 0;
        CopyDirectory(_root, _source, _target);
    }

    private void CopyDirectory(CopiedEntry entry, SafeFileHandle source, SafeFileHandle target)
    {
        _cancellation.ThrowIfCancellationRequested();
        var clock = KernelClock.FileTime;
        var reading = Files.Stat(source);
        var isSame = entry.IsSettled && entry.Changed == reading.Changed;
        IReadOnlyCollection<string> names = isSame ? [.. entry.Children.Keys] : [.. Files.List(source).Select(child => child.Name)];
        if (!isSame && entry.Children.Count > 0)
        {
            var present = names.ToHashSet();
            foreach (var gone in entry.Children.Keys.Where(name => !present.Contains(name)).ToList())
                Remove(new CopiedName(entry, gone), target);
        }

        var isComplete = true;
        foreach (var name in names)
            isComplete &= TryCopyChild(entry, source, target, name);

        if (!isSame || entry.IsTouched)
        {
            // Last, as whatever was done in the directory has moved its times.
            Changes++;
            EntryAttributes.Copy(source, target, reading);
            Files.SetTimes(target, ".", reading.Accessed, reading.Modified);
            entry.IsTouched = false;
        }
        entry.Settle(reading.Changed, isComplete && IsBeyondDoubt(reading.Changed, clock));
        if (entry == _root)
            _rootStatus = reading;
    }

    /// <returns>False when it has moved away under us.</returns>
    private bool TryCopyChild(CopiedEntry directory, SafeFileHandle source, SafeFileHandle target, string name)
    {
        try
        {
            CopyChild(new CopiedName(directory, name), source, target);
            return true;
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP or Errno.ESTALE or Errno.EINVAL)
        {
            return _isRunning ? false : throw new SourceChangedException(e.Message, e);
        }
    }

    private void CopyChild(CopiedName name, SafeFileHandle source, SafeFileHandle target)
    {
        var clock = KernelClock.FileTime;
        var status = Files.StatAt(source, name.Name);
        var entry = name.Directory.Children.GetValueOrDefault(name.Name);
        if (entry is not null && !entry.IsOf(status))
        {
            Remove(name, target);
            entry = null;
        }
        entry ??= TryTakeKnown(name, target, status);

        switch (status.Kind)
        {
            case FileKind.Directory:
                using (var child = OpenSame(source, name.Name, status, OpenFlags.Directory))
                {
                    entry ??= Make(name, status, () => Files.MakeDirectory(target, name.Name, 0x1C0));
                    using var copy = Files.OpenDirectoryAt(target, name.Name);
                    LayerTree.CheckDepth(_depth + 1);
                    _depth++;
                    try
                    {
                        CopyDirectory(entry, child, copy);
                    }
                    finally
                    {
                        // Also when it has moved away under us, which the directory above makes good of.
                        _depth--;
                    }
                }
                break;
            case FileKind.Regular:
                CopyFile(name, entry, source, target, status);
                break;
            case var _ when entry is not null && IsUpToDate(entry, status):
                break;
            default:
                using (var place = OpenSame(source, name.Name, status, OpenFlags.Path))
                {
                    entry ??= MakeSpecial(name, place, target, status);
                    EntryAttributes.Copy(place, target, name.Name, status);
                    Files.SetTimes(target, name.Name, status.Accessed, status.Modified);
                    Settle(entry, status, clock);
                }
                break;
        }
    }

    private void CopyFile(CopiedName name, CopiedEntry? entry, SafeFileHandle source, SafeFileHandle target, FileStatus status)
    {
        if (entry is not null && IsUpToDate(entry, status))
            return;
        using var from = OpenSame(source, name.Name, status, OpenFlags.ReadOnly);
        var clock = KernelClock.FileTime;
        var reading = Files.Stat(from);
        if (_isRunning)
            Files.WriteBack(from);

        SafeFileHandle? made = null;
        var isNew = entry is null;
        entry ??= Make(name, status, () =>
            made = Files.OpenAt(target, name.Name, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoFollow, 0x180));
        using var to = made ?? Files.OpenAt(target, name.Name, OpenFlags.ReadWrite | OpenFlags.NoFollow);
        if (isNew)
            _content.Copy(from, to, reading.Size, _cancellation);
        else
            _content.Update(from, to, reading.Size, _cancellation);

        var isCopiedUp = EntryAttributes.Copy(from, to, reading);
        Files.SetTimes(target, name.Name, reading.Accessed, reading.Modified);
        if (isNew && isCopiedUp)
            entry.VisibleInode = TryFindVisibleInode(name);
        Settle(entry, reading, clock);
    }

    /// <summary>Opens a name of the original, if it still is what it was when it was looked at.</summary>
    private static SafeFileHandle OpenSame(SafeFileHandle directory, string name, FileStatus status, OpenFlags flags)
    {
        // The place first: a device that took the file's name meanwhile must not be opened.
        var place = Files.OpenAt(directory, name, OpenFlags.Path | OpenFlags.NoFollow);
        try
        {
            var found = Files.Stat(place);
            if (!found.IsSameFile(status) || found.Kind != status.Kind)
                throw new LinuxException($"open {name}", Errno.ESTALE, "it has been replaced meanwhile");
            if (flags == OpenFlags.Path)
                return place;
            var opened = Files.Reopen(place, flags | OpenFlags.NoAtime);
            place.Dispose();
            return opened;
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }

    private bool IsUpToDate(CopiedEntry entry, FileStatus status)
    {
        if (entry.Pass == _pass)
            return true;
        var isMapped = _mapped.Count > 0 && (entry.VisibleInode is not { } inode || _mapped.Contains(inode));
        if (!entry.IsSettled || entry.Changed != status.Changed || isMapped)
            return false;
        entry.Pass = _pass;
        return true;
    }

    private void Settle(CopiedEntry entry, FileStatus reading, Timestamp clock)
    {
        Changes++;
        entry.Pass = _pass;
        entry.Settle(reading.Changed, IsBeyondDoubt(reading.Changed, clock));
    }

    private static bool IsBeyondDoubt(Timestamp changed, Timestamp clock) => changed.Plus(s_doubt) < clock;

    private void VerifyDirectory(CopiedEntry entry, SafeFileHandle source, Timestamp moment)
    {
        _cancellation.ThrowIfCancellationRequested();
        VerifyEntry(entry, Files.Stat(source), moment);
        foreach (var (name, child) in entry.Children)
        {
            try
            {
                if (child.Kind != FileKind.Directory)
                {
                    VerifyEntry(child, Files.StatAt(source, name), moment);
                    continue;
                }
                using var directory = Files.OpenAt(source, name, OpenFlags.Directory | OpenFlags.NoFollow | OpenFlags.NoAtime);
                VerifyDirectory(child, directory, moment);
            }
            catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
            {
                throw new SourceChangedException(e.Message, e);
            }
        }
    }

    private static void VerifyEntry(CopiedEntry entry, FileStatus status, Timestamp moment)
    {
        if (!entry.IsOf(status) || status.Changed != entry.Changed || status.Changed > moment)
            throw new SourceChangedException($"inode {status.Inode} was changed at {status.Changed.Seconds}.{status.Changed.Nanoseconds:d9}");
    }
}
