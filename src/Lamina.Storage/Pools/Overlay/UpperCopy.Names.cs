using System.Globalization;
using Lamina.Linux;
using Lamina.Storage.Pools.Directories;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Overlay;

/// <content>The names of the copy: they come, go, and are moved as those of the original were.</content>
internal sealed partial class UpperCopy
{
    // Where things wait that have lost their last name, until the end of the pass: one that was only renamed is met again elsewhere.
    private readonly string _atticName = ".lamina-attic-" + RandomName.New();
    private readonly CopiedEntry _attic;
    private readonly SafeFileHandle _atticHandle;
    private int _atticCount;

    private (CopiedEntry Attic, SafeFileHandle Handle) MakeAttic()
    {
        Files.MakeDirectory(_target, _atticName, 0x1C0);
        return (new CopiedEntry(0, default, FileKind.Directory), Files.OpenDirectoryAt(_target, _atticName));
    }

    private void RemoveAttic() => Files.RemoveDirectory(_target, _atticName);

    private void EmptyAttic()
    {
        foreach (var (name, entry) in _attic.Children)
        {
            Forget(entry);
            TreeRemoval.Remove(_atticHandle, name, CancellationToken.None);
        }
        _attic.Children.Clear();
    }

    private void Forget(CopiedEntry entry)
    {
        foreach (var (name, child) in entry.Children)
        {
            if (child.HasOtherNames)
                child.RemoveName(new CopiedName(entry, name));
            else
                Forget(child);
        }
        // The number may be that of a newer file by now.
        if (_entries.GetValueOrDefault(entry.Inode) == entry)
            _entries.Remove(entry.Inode);
    }

    /// <summary>Takes a name out of the copy.</summary>
    private void Remove(CopiedName name, SafeFileHandle target)
    {
        var entry = name.Directory.Children[name.Name];
        if (entry.HasOtherNames)
        {
            Files.Unlink(target, name.Name);
            entry.RemoveName(name);
        }
        else
        {
            var attic = new CopiedName(_attic, (++_atticCount).ToString(CultureInfo.InvariantCulture));
            Files.Rename(target, name.Name, _atticHandle, attic.Name, RenameFlags.NoReplace);
            entry.MoveTo(attic);
            _attic.Children.Add(attic.Name, entry);
        }
        name.Directory.Children.Remove(name.Name);
        name.Directory.IsTouched = true;
    }

    /// <summary>Gives a name to what was copied under another one already; null when it was not.</summary>
    private CopiedEntry? TryTakeKnown(CopiedName name, SafeFileHandle target, FileStatus status)
    {
        if (_entries.GetValueOrDefault(status.Inode) is not { } entry || !entry.IsOf(status))
            return null;
        var old = entry.Name;
        using var from = OpenCopy(old.Directory);
        if (entry.Kind == FileKind.Directory || old.Directory == _attic)
        {
            Files.Rename(from, old.Name, target, name.Name, RenameFlags.NoReplace);
            old.Directory.Children.Remove(old.Name);
            old.Directory.IsTouched = true;
            entry.MoveTo(name);
        }
        else if (TryLink(from, old.Name, target, name.Name, status))
        {
            entry.AddName(name);
        }
        else
        {
            return null;
        }
        name.Directory.Children.Add(name.Name, entry);
        name.Directory.IsTouched = true;
        return entry;
    }

    // Overlayfs makes one whiteout and links it as often as it can; in the copy old names may still count.
    private static bool TryLink(SafeFileHandle from, string old, SafeFileHandle target, string name, FileStatus status)
    {
        try
        {
            Files.Link(from, old, target, name);
            return true;
        }
        catch (LinuxException e) when (e.Errno == Errno.EMLINK && LayerTree.IsWhiteout(status))
        {
            return false;
        }
    }

    private CopiedEntry Make(CopiedName name, FileStatus status, Action make)
    {
        // In the last pass the writers stand still already, and what they have made since the one before is little.
        if (_isRunning && _entries.Count >= _maxEntries)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"more than {_maxEntries} files and directories were written since the volume was last attached anew; so many can't be copied while it is in use: "
                + "detach the volume, and call again");
        }
        make();
        var entry = new CopiedEntry(status.Inode, status.Created, status.Kind);
        entry.MoveTo(name);
        name.Directory.Children.Add(name.Name, entry);
        name.Directory.IsTouched = true;
        _entries[status.Inode] = entry;
        return entry;
    }

    private CopiedEntry MakeSpecial(CopiedName name, SafeFileHandle place, SafeFileHandle target, FileStatus status)
    {
        var type = status.Kind switch
        {
            FileKind.CharacterDevice => 0x2000u,
            FileKind.BlockDevice => 0x6000u,
            FileKind.Fifo => 0x1000u,
            FileKind.Socket => 0xC000u,
            FileKind.SymbolicLink => 0u,
            _ => throw new LinuxException($"copy {name.Name}", Errno.EOPNOTSUPP, "it is of no kind that is known"),
        };
        if (type != 0)
            return Make(name, status, () => Files.MakeNode(target, name.Name, type | status.Mode, status.RepresentedDevice));
        var link = Files.ReadLink(place, "");
        return Make(name, status, () => Files.SymbolicLink(link, target, name.Name));
    }

    /// <summary>Opens a directory of the copy, step by step: a path could be longer than the kernel takes.</summary>
    private SafeFileHandle OpenCopy(CopiedEntry directory)
    {
        if (directory == _attic)
            return Files.OpenDirectoryAt(_atticHandle, ".");
        var steps = new Stack<string>();
        var current = directory;
        for (; current != _root && current != _attic; current = current.Name.Directory)
            steps.Push(current.Name.Name);
        var handle = Files.OpenDirectoryAt(current == _root ? _target : _atticHandle, ".");
        foreach (var step in steps)
        {
            var next = Files.OpenDirectoryAt(handle, step);
            handle.Dispose();
            handle = next;
        }
        return handle;
    }

    /// <summary>The inode that the users of the volume see for a file; null when it can't be told.</summary>
    private ulong? TryFindVisibleInode(CopiedName name)
    {
        var steps = new Stack<string>([name.Name]);
        for (var current = name.Directory; current != _root; current = current.Name.Directory)
        {
            if (current == _attic)
                return null;
            steps.Push(current.Name.Name);
        }
        try
        {
            using var place = Files.OpenResolved(
                _mount, string.Join('/', steps), OpenFlags.Path | OpenFlags.NoFollow, ResolveFlags.Beneath | ResolveFlags.NoSymlinks);
            return Files.Stat(place).Inode;
        }
        catch (LinuxException)
        {
            // It has moved, or its path is too long.
            return null;
        }
    }
}
