using Lamina.Testing;

namespace Lamina.Linux.Tests;

[Collection<Ext4Collection>]
public sealed class FilesAttributesTests(Ext4FileSystem fileSystem) : IDisposable
{
    private readonly ScratchDirectory _scratch = new(fileSystem.NewDirectory());

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void ChangeOwner_SymbolicLink_ChangesTheLinkOnly()
    {
        _scratch.Write("target", "");
        Files.SymbolicLink("target", _scratch.Handle, "link");

        Files.ChangeOwner(_scratch.Handle, "link", 1234, 5678);

        var link = Files.StatAt(_scratch.Handle, "link");
        Assert.Equal((1234u, 5678u), (link.Uid, link.Gid));
        Assert.Equal(0u, Files.StatAt(_scratch.Handle, "target").Uid);
    }

    [Fact]
    public void ChangeOwner_PathHandle_Works()
    {
        _scratch.Write("file", "");
        using var place = Files.OpenAt(_scratch.Handle, "file", OpenFlags.Path | OpenFlags.NoFollow);

        Files.ChangeOwner(place, 1, 2);

        Assert.Equal((1u, 2u), (Files.Stat(place).Uid, Files.Stat(place).Gid));
    }

    [Fact]
    public void ChangeMode_SymbolicLink_RefusedAndTargetStays()
    {
        _scratch.Write("target", "");
        Files.ChangeMode(_scratch.Handle, "target", 0x180);
        Files.SymbolicLink("target", _scratch.Handle, "link");

        LinuxAssert.Fails(Errno.EOPNOTSUPP, () => Files.ChangeMode(_scratch.Handle, "link", 0x1ff));

        Assert.Equal(0x180u, Files.StatAt(_scratch.Handle, "target").Mode);
    }

    [Fact]
    public void ChangeMode_Name_IsExact()
    {
        _scratch.Write("file", "");

        Files.ChangeMode(_scratch.Handle, "file", 0xfff);

        Assert.Equal(0xfffu, Files.StatAt(_scratch.Handle, "file").Mode);
    }

    [Fact]
    public void ChangeMode_PathHandle_Works()
    {
        _scratch.Write("file", "");
        using var place = Files.OpenAt(_scratch.Handle, "file", OpenFlags.Path);

        Files.ChangeMode(place, 0x1ff);

        Assert.Equal(0x1ffu, Files.Stat(place).Mode);
    }

    [Fact]
    public void SetTimes_SymbolicLink_ChangesTheLinkToTheNanosecond()
    {
        Files.SymbolicLink("target", _scratch.Handle, "link");
        var (accessed, modified) = (new Timestamp(-5, 123_456_789), new Timestamp(1_700_000_000, 1));

        Files.SetTimes(_scratch.Handle, "link", accessed, modified);

        var status = Files.StatAt(_scratch.Handle, "link");
        Assert.Equal((accessed, modified), (status.Accessed, status.Modified));
    }

    [Fact]
    public void SetImmutable_File_CannotBeRemovedUntilCleared()
    {
        using var file = _scratch.Create("file");

        Files.SetImmutable(file, true);
        LinuxAssert.Fails(Errno.EPERM, () => Files.Unlink(_scratch.Handle, "file"));

        Files.SetImmutable(file, false);
        Files.Unlink(_scratch.Handle, "file");
    }

    [Fact]
    public void TrySetImmutable_NoSuchFlag_False()
    {
        using var file = Files.Open("/proc/self/status", OpenFlags.ReadOnly);

        Assert.False(Files.TrySetImmutable(file, true));
        Assert.Equal(Errno.ENOTTY, Assert.Throws<LinuxException>(() => Files.SetImmutable(file, true)).Errno);
    }

    [Fact]
    public void TrySetNoCopyOnWrite_NotBtrfs_False()
    {
        using var file = _scratch.Create("file");

        Assert.False(Files.TrySetNoCopyOnWrite(file, true));
    }
}
