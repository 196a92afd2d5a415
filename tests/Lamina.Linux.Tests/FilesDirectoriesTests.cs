using System.Globalization;
using Lamina.Testing;

namespace Lamina.Linux.Tests;

public sealed class FilesDirectoriesTests : IDisposable
{
    private readonly ScratchDirectory _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData(0x1ff)]
    [InlineData(0x1c0)]
    [InlineData(0x3ff)]
    public void MakeDirectory_AnyMode_IsExactWhateverTheUmask(int mode)
    {
        Files.MakeDirectory(_scratch.Handle, "child", mode);

        Assert.Equal((uint)mode, Files.StatAt(_scratch.Handle, "child").Mode);
    }

    [Fact]
    public void MakeDirectory_InSetGroupIdDirectory_DoesNotInheritTheBit()
    {
        Files.MakeDirectory(_scratch.Handle, "parent", 0x5ed /* 2755 */);
        using var parent = Files.OpenDirectoryAt(_scratch.Handle, "parent");

        Files.MakeDirectory(parent, "child", 0x1ed);

        Assert.Equal(0x1edu, Files.StatAt(parent, "child").Mode);
    }

    [Fact]
    public void MakeDirectory_Taken_Eexist()
    {
        _scratch.Write("taken", "");

        LinuxAssert.Fails(Errno.EEXIST, () => Files.MakeDirectory(_scratch.Handle, "taken", 0x1ed));
    }

    [Fact]
    public void TryMakeDirectory_Taken_FalseAndModeStays()
    {
        Files.MakeDirectory(_scratch.Handle, "taken", 0x1c0);

        Assert.False(Files.TryMakeDirectory(_scratch.Handle, "taken", 0x1ff));
        Assert.Equal(0x1c0u, Files.StatAt(_scratch.Handle, "taken").Mode);
    }

    [Fact]
    public void MakeDirectories_SomeMissing_OnlyThoseAreMade()
    {
        Files.MakeDirectory(_scratch.Handle, "a", 0x1c0);

        Files.MakeDirectories(_scratch["a/b//c/"], 0x1ed);

        Assert.Equal(0x1c0u, Files.Stat(_scratch["a"]).Mode);
        Assert.Equal(0x1edu, Files.Stat(_scratch["a/b"]).Mode);
        Assert.Equal(0x1edu, Files.Stat(_scratch["a/b/c"]).Mode);
    }

    [Fact]
    public void MakeDirectories_FileInTheWay_Enotdir()
    {
        _scratch.Write("file", "");

        LinuxAssert.Fails(Errno.ENOTDIR, () => Files.MakeDirectories(_scratch["file/child"], 0x1ed));
    }

    [Fact]
    public void List_Mixed_NamesKindsAndInodes()
    {
        _scratch.Write("file", "");
        Files.MakeDirectory(_scratch.Handle, "directory", 0x1ed);
        Files.SymbolicLink("file", _scratch.Handle, "link");

        var entries = Files.List(_scratch.Handle).OrderBy(entry => entry.Name, StringComparer.Ordinal).ToList();

        Assert.Equal(["directory", "file", "link"], entries.Select(entry => entry.Name));
        Assert.Equal([FileKind.Directory, FileKind.Regular, FileKind.SymbolicLink], entries.Select(entry => entry.Kind));
        Assert.All(entries, entry => Assert.Equal(Files.StatAt(_scratch.Handle, entry.Name).Inode, entry.Inode));
    }

    [Fact]
    public void List_Twice_StartsFromTheBeginningEachTime()
    {
        _scratch.Write("one", "");
        Files.List(_scratch.Handle);
        _scratch.Write("two", "");

        Assert.Equal(2, Files.List(_scratch.Handle).Count);
    }

    [Fact]
    public void List_MoreThanABuffer_IsComplete()
    {
        var names = Enumerable.Range(0, 2_000)
            .Select(i => string.Create(CultureInfo.InvariantCulture, $"a-rather-long-name-{i:d6}"))
            .ToList();
        foreach (var name in names)
            Files.MakeDirectory(_scratch.Handle, name, 0x1ed);

        Assert.Equal(names, Files.List(_scratch.Handle).Select(entry => entry.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Enumerate_AbandonedAfterOne_LeavesTheDirectoryUsable()
    {
        _scratch.Write("one", "");
        _scratch.Write("two", "");

        Assert.Single(Files.Enumerate(_scratch.Handle).Take(1));
        Assert.Equal(2, Files.List(_scratch.Handle).Count);
    }

    [Fact]
    public void List_PathHandle_Ebadf()
    {
        using var place = Files.Open(_scratch.Path, OpenFlags.Path);

        LinuxAssert.Fails(Errno.EBADF, () => Files.List(place));
    }
}
