using Lamina.Testing;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Tests;

[Collection<BtrfsCollection>]
public sealed class BtrfsSubvolumeTests(BtrfsFileSystem fileSystem) : IDisposable
{
    private readonly ScratchDirectory _scratch = new(fileSystem.NewDirectory());

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void CreateSubvolume_NewName_IsASubvolume()
    {
        using var subvolume = Subvolume("volume");

        var info = Btrfs.GetSubvolume(subvolume);
        Assert.True(Btrfs.IsSubvolume(subvolume));
        Assert.Equal(("volume", false, Guid.Empty), (info.Name, info.IsReadOnly, info.ParentUuid));
        Assert.NotEqual(Guid.Empty, info.Uuid);
        Assert.Equal(Btrfs.GetSubvolume(fileSystem.Root).Id, info.ParentId);
        Assert.Equal(Files.Stat(_scratch.Handle).Inode, info.DirectoryInode);
    }

    [Fact]
    public void CreateSubvolume_Taken_EexistNamesIt()
    {
        Files.MakeDirectory(_scratch.Handle, "taken", 0x1ed);

        var thrown = LinuxAssert.Fails(Errno.EEXIST, () => Btrfs.CreateSubvolume(_scratch.Handle, "taken"));

        Assert.EndsWith(_scratch["taken"], thrown.Operation, StringComparison.Ordinal);
    }

    [Fact]
    public void CreateSubvolume_NameTooLong_Enametoolong() =>
        LinuxAssert.Fails(Errno.ENAMETOOLONG, () => Btrfs.CreateSubvolume(_scratch.Handle, new string('x', 256)));

    [Fact]
    public void CreateSubvolume_NameThatIsNotUtf8_ComesBack()
    {
        using var subvolume = Subvolume("v\udcff");

        Assert.Equal("v\udcff", Btrfs.GetSubvolume(subvolume).Name);
    }

    [Fact]
    public void IsSubvolume_PlainDirectory_False() => Assert.False(Btrfs.IsSubvolume(_scratch.Handle));

    [Fact]
    public void IsSubvolume_OtherFileSystem_False()
    {
        using var proc = Files.OpenDirectory("/proc");

        Assert.False(Btrfs.IsSubvolume(proc));
        LinuxAssert.Fails(Errno.ENOTTY, () => Btrfs.GetSubvolume(proc));
    }

    [Fact]
    public void CreateSnapshot_ReadOnly_KeepsThePastAndRefusesWrites()
    {
        using var subvolume = Subvolume("volume");
        _scratch.Write("volume/file", "before");
        Btrfs.CreateSnapshot(_scratch.Handle, "snapshot", subvolume, readOnly: true);
        _scratch.Write("volume/file", "after");

        using var snapshot = Files.OpenDirectoryAt(_scratch.Handle, "snapshot");
        var info = Btrfs.GetSubvolume(snapshot);
        Assert.True(info.IsReadOnly);
        Assert.Equal(Btrfs.GetSubvolume(subvolume).Uuid, info.ParentUuid);
        Assert.Equal("before", File.ReadAllText(_scratch["snapshot/file"]));
        LinuxAssert.Fails(Errno.EROFS, () => Files.OpenAt(snapshot, "new", OpenFlags.WriteOnly | OpenFlags.Create, 0x180));
    }

    [Fact]
    public void CreateSnapshot_OfASnapshotWritable_IsAClone()
    {
        using var subvolume = Subvolume("volume");
        _scratch.Write("volume/file", "content");
        Btrfs.CreateSnapshot(_scratch.Handle, "snapshot", subvolume, readOnly: true);
        using var snapshot = Files.OpenDirectoryAt(_scratch.Handle, "snapshot");

        Btrfs.CreateSnapshot(_scratch.Handle, "clone", snapshot, readOnly: false);

        _scratch.Write("clone/file", "changed");
        Assert.Equal("content", File.ReadAllText(_scratch["snapshot/file"]));
    }

    [Fact]
    public void CreateSnapshot_OfAPlainDirectory_Einval()
    {
        using var plain = _scratch.CreateDirectory("plain");

        LinuxAssert.Fails(Errno.EINVAL, () => Btrfs.CreateSnapshot(_scratch.Handle, "snapshot", plain, readOnly: true));
    }

    [Fact]
    public void SetReadOnly_ThereAndBack_ShowsInItsInfo()
    {
        using var subvolume = Subvolume("volume");

        Btrfs.SetReadOnly(subvolume, true);
        Assert.True(Btrfs.GetSubvolume(subvolume).IsReadOnly);
        Btrfs.SetReadOnly(subvolume, false);
        Assert.False(Btrfs.GetSubvolume(subvolume).IsReadOnly);
    }

    [Fact]
    public void DestroySubvolume_WithContent_IsGone()
    {
        Subvolume("volume").Dispose();
        _scratch.Write("volume/file", "content");

        Btrfs.DestroySubvolume(_scratch.Handle, "volume");

        Assert.Null(Files.TryStatAt(_scratch.Handle, "volume"));
    }

    [Fact]
    public void DestroySubvolume_ById_IsGone()
    {
        ulong id;
        using (var volume = Subvolume("volume"))
            id = Btrfs.GetSubvolume(volume).Id;

        Btrfs.DestroySubvolume(fileSystem.Root, id);

        Assert.Null(Files.TryStatAt(_scratch.Handle, "volume"));
        LinuxAssert.Fails(Errno.ENOENT, () => Btrfs.DestroySubvolume(fileSystem.Root, id));
    }

    [Fact]
    public void DestroySubvolume_PlainDirectory_RefusedAndItStays()
    {
        Files.MakeDirectory(_scratch.Handle, "plain", 0x1ed);

        LinuxAssert.Fails(Errno.EINVAL, () => Btrfs.DestroySubvolume(_scratch.Handle, "plain"));

        Assert.NotNull(Files.TryStatAt(_scratch.Handle, "plain"));
    }

    [Fact]
    public void DestroySubvolume_WithNestedOnes_EnotemptyUntilDestroyedFromTheEnd()
    {
        using (var outer = Subvolume("outer"))
        {
            Directory.CreateDirectory(_scratch["outer/a/b"]);
            CreateIn("outer", "first");
            CreateIn("outer/a/b", "second");
            CreateIn("outer/a/b/second", "third \udcff");
            LinuxAssert.Fails(Errno.ENOTEMPTY, () => Btrfs.DestroySubvolume(_scratch.Handle, "outer"));

            var nested = Btrfs.NestedSubvolumes(outer);

            Assert.Equal(
                ["a/b/second", "a/b/second/third \udcff", "first"],
                nested.Select(subvolume => subvolume.Path).Order(StringComparer.Ordinal));
            Assert.Equal("a/b/second/third \udcff", nested[^1].Path);
            foreach (var subvolume in nested.Reverse())
                Btrfs.DestroySubvolume(outer, subvolume.Id);
            Assert.Empty(Btrfs.NestedSubvolumes(outer));
        }
        Btrfs.DestroySubvolume(_scratch.Handle, "outer");
    }

    [Fact]
    public void NestedSubvolumes_MoreThanABuffer_AllOfThem()
    {
        using var outer = Subvolume("outer");
        for (var i = 0; i < 600; i++)
            Btrfs.CreateSubvolume(outer, $"a-name-long-enough-that-all-of-them-fill-more-than-one-buffer-of-the-kernel-{i:d4}");

        Assert.Equal(600, Btrfs.NestedSubvolumes(outer).DistinctBy(nested => nested.Path).Count());
    }

    private SafeFileHandle Subvolume(string name)
    {
        Btrfs.CreateSubvolume(_scratch.Handle, name);
        return Files.OpenDirectoryAt(_scratch.Handle, name);
    }

    private void CreateIn(string directory, string name)
    {
        using var handle = Files.OpenDirectory(_scratch[directory]);
        Btrfs.CreateSubvolume(handle, name);
    }
}
