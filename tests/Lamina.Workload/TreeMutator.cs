using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Workload;

/// <summary>Does at random whatever can be done to a tree: everything that a copy could get wrong.</summary>
internal sealed class TreeMutator(string root, int seed)
{
    private const int MaxEntries = 400;
    private const int ReadyAfter = 300;

    private readonly Random _random = new(seed);
    private readonly List<string> _directories = [""];
    private readonly List<string> _files = [];
    private int _count;

    internal void Run(Func<bool> stopping)
    {
        // Sits on the volume, as a container does: one that opened its files by their paths only for a moment might not be found.
        Environment.CurrentDirectory = root;
        Refresh();
        for (var step = 1; !stopping(); step++)
        {
            try
            {
                Step();
            }
            catch (Exception e) when (e is LinuxException or IOException)
            {
                // Moved below itself, not empty, there already, gone with its directory: all the same to us.
            }
            if (step == ReadyAfter)
                Work.Ready();
        }
    }

    private void Step()
    {
        switch (_random.Next(16))
        {
            case 0:
                MakeDirectory();
                break;
            case 1 or 2:
                MakeFile();
                break;
            case 3:
                MakeSpecial();
                break;
            case 4:
                Link();
                break;
            case 5:
                Move(_files);
                break;
            case 6:
                Move(_directories);
                break;
            case 7:
                RemoveFile();
                break;
            case 8:
                RemoveDirectory();
                break;
            case 9:
                ChangeAttributes();
                break;
            case 10:
                Resize();
                break;
            case 11:
                Punch();
                break;
            default:
                Write();
                break;
        }
    }

    private void MakeDirectory()
    {
        if (_directories.Count >= MaxEntries / 4)
            return;
        var (directory, name, path) = NewName();
        using (directory)
            Files.MakeDirectory(directory, name, _random.Next(2) == 0 ? 0x1ed : 0x5f8 /* 02770 */);
        _directories.Add(path);
    }

    private void MakeFile()
    {
        if (_files.Count >= MaxEntries)
            return;
        var (directory, name, path) = NewName();
        using (directory)
        using (var file = Files.OpenAt(directory, name, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, 0x1a4))
            Files.WriteAll(file, _random.Next(3) * 300_000L, Bytes(_random.Next(20_000)));
        _files.Add(path);
    }

    private void MakeSpecial()
    {
        if (_files.Count >= MaxEntries)
            return;
        var (directory, name, path) = NewName();
        using (directory)
        {
            switch (_random.Next(4))
            {
                case 0:
                    Files.SymbolicLink(Any(_files) ?? "nowhere", directory, name);
                    break;
                case 1:
                    Files.MakeNode(directory, name, 0x1000 | 0x1a4, 0);
                    break;
                case 2:
                    Files.MakeNode(directory, name, 0xC000 | 0x1ff, 0);
                    break;
                default:
                    Files.MakeNode(directory, name, 0x2000 | 0x180, DeviceNumber.Make(1, 3));
                    break;
            }
        }
        _files.Add(path);
    }

    private void Link()
    {
        if (Any(_files) is not { } old)
            return;
        using var from = Parent(old);
        var (directory, name, path) = NewName();
        using (directory)
            Files.Link(from, Path.GetFileName(old), directory, name);
        _files.Add(path);
    }

    private void Move(List<string> list)
    {
        if (Any(list) is not { Length: > 0 } old)
            return;
        using var from = Parent(old);
        // Over another one, sometimes, or in its place.
        if (_random.Next(3) == 0 && Any(list) is { Length: > 0 } other && other != old)
        {
            using var to = Parent(other);
            Files.Rename(from, Path.GetFileName(old), to, Path.GetFileName(other), _random.Next(2) == 0 ? RenameFlags.Exchange : RenameFlags.None);
        }
        else
        {
            var (directory, name, _) = NewName();
            using (directory)
                Files.Rename(from, Path.GetFileName(old), directory, name);
        }
        Refresh();
    }

    private void RemoveFile()
    {
        if (Any(_files) is not { } path)
            return;
        using var directory = Parent(path);
        Files.Unlink(directory, Path.GetFileName(path));
        _files.Remove(path);
    }

    private void RemoveDirectory()
    {
        if (Any(_directories) is not { Length: > 0 } path)
            return;
        using var parent = Parent(path);
        if (_random.Next(12) == 0)
            TreeRemoval.Remove(parent, Path.GetFileName(path), CancellationToken.None);
        else
            Files.RemoveDirectory(parent, Path.GetFileName(path));
        // Sometimes there is one of the same name again: it hides what is below.
        if (_random.Next(2) == 0)
            Files.MakeDirectory(parent, Path.GetFileName(path), 0x1c0);
        Refresh();
    }

    private void ChangeAttributes()
    {
        if (Any(_random.Next(3) == 0 ? _directories : _files) is not { Length: > 0 } path)
            return;
        using var directory = Parent(path);
        var name = Path.GetFileName(path);
        switch (_random.Next(5))
        {
            case 0:
                Files.ChangeOwner(directory, name, (uint)_random.Next(3), (uint)_random.Next(3));
                break;
            case 1:
                Files.ChangeMode(directory, name, (uint)_random.Next(0x1000));
                break;
            case 2:
                ExtendedAttributes.Set(directory, name, $"user.a{_random.Next(3)}", Bytes(_random.Next(40)));
                break;
            case 3:
                foreach (var attribute in ExtendedAttributes.List(directory, name).Where(attribute => attribute.StartsWith("user.", StringComparison.Ordinal)))
                    ExtendedAttributes.Remove(directory, name, attribute);
                break;
            default:
                Files.SetTimes(directory, name, new Timestamp(_random.Next(), 0), new Timestamp(_random.Next(), 5));
                break;
        }
    }

    private void Resize()
    {
        using var file = OpenAny();
        if (file is not null)
            Files.SetLength(file, _random.Next(900_000));
    }

    private void Punch()
    {
        using var file = OpenAny();
        if (file is not null)
            Files.PunchHole(file, _random.Next(100) * 4096L, _random.Next(1, 20) * 4096L);
    }

    private void Write()
    {
        using var file = OpenAny();
        if (file is not null)
            Files.WriteAll(file, _random.Next(700_000), Bytes(_random.Next(30_000)));
    }

    private SafeFileHandle? OpenAny()
    {
        if (Any(_files) is not { } path)
            return null;
        using var directory = Parent(path);
        return Files.StatAt(directory, Path.GetFileName(path)).Kind == FileKind.Regular
            ? Files.OpenAt(directory, Path.GetFileName(path), OpenFlags.ReadWrite | OpenFlags.NoFollow)
            : null;
    }

    private (SafeFileHandle Directory, string Name, string Path) NewName()
    {
        var directory = Any(_directories)!;
        // Names come again, so that something new takes the place of something else.
        var name = _random.Next(3) == 0 ? $"r{_random.Next(50)}" : $"n{++_count}";
        return (Files.OpenDirectory(Path.Combine(root, directory)), name, Path.Combine(directory, name));
    }

    private SafeFileHandle Parent(string path) => Files.OpenDirectory(Path.Combine(root, Path.GetDirectoryName(path)!));

    private string? Any(List<string> list) => list.Count == 0 ? null : list[_random.Next(list.Count)];

    private byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        // Zeros are data too.
        if (_random.Next(4) > 0)
            _random.NextBytes(bytes);
        return bytes;
    }

    // A directory that moved has taken its content with it.
    private void Refresh()
    {
        _directories.Clear();
        _files.Clear();
        _directories.Add("");
        foreach (var entry in new DirectoryInfo(root).EnumerateFileSystemInfos("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }))
            (entry is DirectoryInfo && entry.LinkTarget is null ? _directories : _files).Add(Path.GetRelativePath(root, entry.FullName));
    }
}
