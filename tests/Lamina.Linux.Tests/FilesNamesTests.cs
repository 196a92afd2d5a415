using Lamina.Testing;

namespace Lamina.Linux.Tests;

public sealed class FilesNamesTests : IDisposable
{
    // "ä" in Latin-1 and a lone continuation byte, as the kernel's bytes come and go.
    private const string NotUtf8 = "caf\udce4-\udc80";

    private readonly ScratchDirectory _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void EveryCall_NameThatIsNotUtf8_MeansTheSameFile()
    {
        const string renamed = "re" + NotUtf8;
        var directory = _scratch.Handle;
        _scratch.Create(NotUtf8, "content"u8).Dispose();

        Assert.Equal(NotUtf8, Assert.Single(Files.List(directory)).Name);
        Assert.Equal(7, Files.StatAt(directory, NotUtf8).Size);
        Files.Rename(directory, NotUtf8, directory, renamed);
        Files.SymbolicLink(renamed, directory, NotUtf8);
        Assert.Equal(renamed, Files.ReadLink(directory, NotUtf8));
        using (var file = Files.OpenAt(directory, renamed, OpenFlags.ReadOnly))
            Assert.Equal(_scratch[renamed], Files.CurrentPath(file));
        Files.Link(directory, renamed, directory, "plain");
        Assert.Equal("content"u8.ToArray(), Files.TryReadAllAt(directory, "plain"));
        Files.Unlink(directory, NotUtf8);
        Files.Unlink(directory, renamed);
        Assert.Equal("plain", Assert.Single(Files.List(directory)).Name);
    }

    [Fact]
    public void Rename_NoReplaceAndTaken_EexistAndBothStay()
    {
        _scratch.Write("a", "a");
        _scratch.Write("b", "b");

        LinuxAssert.Fails(Errno.EEXIST, () => Files.Rename(_scratch.Handle, "a", _scratch.Handle, "b", RenameFlags.NoReplace));

        Assert.Equal("a", File.ReadAllText(_scratch["a"]));
        Assert.Equal("b", File.ReadAllText(_scratch["b"]));
    }

    [Fact]
    public void Rename_Exchange_BothChangePlaces()
    {
        _scratch.Write("a", "a");
        _scratch.Write("b", "b");

        Files.Rename(_scratch.Handle, "a", _scratch.Handle, "b", RenameFlags.Exchange);

        Assert.Equal("b", File.ReadAllText(_scratch["a"]));
        Assert.Equal("a", File.ReadAllText(_scratch["b"]));
    }

    [Fact]
    public void Rename_SourceMissing_ErrorNamesBothPlaces()
    {
        var thrown = LinuxAssert.Fails(Errno.ENOENT, () => Files.Rename(_scratch.Handle, "a", _scratch.Handle, "b"));

        Assert.Equal($"rename {_scratch["a"]} to {_scratch["b"]}", thrown.Operation);
    }

    [Fact]
    public void Link_ToASymbolicLink_LinksTheLinkItself()
    {
        Files.SymbolicLink("nowhere", _scratch.Handle, "link");

        Files.Link(_scratch.Handle, "link", _scratch.Handle, "second");

        Assert.Equal("nowhere", Files.ReadLink(_scratch.Handle, "second"));
        Assert.Equal(2u, Files.StatAt(_scratch.Handle, "second").Links);
    }

    [Fact]
    public void ReadLink_LongTarget_IsWhole()
    {
        var target = new string('x', 4000);
        Files.SymbolicLink(target, _scratch.Handle, "link");

        Assert.Equal(target, Files.ReadLink(_scratch.Handle, "link"));
    }

    [Fact]
    public void ReadLink_NoLink_Einval()
    {
        _scratch.Write("file", "");

        LinuxAssert.Fails(Errno.EINVAL, () => Files.ReadLink(_scratch.Handle, "file"));
    }

    [Fact]
    public void TryUnlink_Missing_False() => Assert.False(Files.TryUnlink(_scratch.Handle, "missing"));

    [Fact]
    public void Unlink_Missing_Enoent() => LinuxAssert.Fails(Errno.ENOENT, () => Files.Unlink(_scratch.Handle, "missing"));

    [Fact]
    public void RemoveDirectory_NotEmpty_Enotempty()
    {
        using var child = _scratch.CreateDirectory("child");
        Files.MakeDirectory(child, "x", 0x1ed);

        LinuxAssert.Fails(Errno.ENOTEMPTY, () => Files.RemoveDirectory(_scratch.Handle, "child"));
    }

    [Fact]
    public void MakeNode_Whiteout_IsACharacterDeviceZero()
    {
        Requirements.Root();

        Files.MakeNode(_scratch.Handle, "whiteout", 0x2000, 0);

        var status = Files.StatAt(_scratch.Handle, "whiteout");
        Assert.Equal(FileKind.CharacterDevice, status.Kind);
        Assert.Equal(0ul, status.RepresentedDevice);
        Assert.Equal(0u, status.Mode);
    }

    [Fact]
    public void MakeNode_DeviceWithLargeNumbers_KeepsThemAndTheExactMode()
    {
        Requirements.Root();
        var device = DeviceNumber.Make(259, 70_000);

        Files.MakeNode(_scratch.Handle, "disk", 0x6000 | 0x1b6 /* 0666 */, device);

        var status = Files.StatAt(_scratch.Handle, "disk");
        Assert.Equal((FileKind.BlockDevice, device, 0x1b6u), (status.Kind, status.RepresentedDevice, status.Mode));
        Assert.Equal((259u, 70_000u), (DeviceNumber.Major(status.RepresentedDevice), DeviceNumber.Minor(status.RepresentedDevice)));
    }
}
