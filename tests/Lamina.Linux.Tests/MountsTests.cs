using Lamina.Linux.Interop;
using Lamina.Testing;

namespace Lamina.Linux.Tests;

[Collection<Ext4Collection>]
public sealed class MountsTests : IDisposable
{
    private readonly ScratchDirectory _scratch;

    public MountsTests(Ext4FileSystem fileSystem)
    {
        _scratch = new ScratchDirectory(fileSystem.NewDirectory());
        Files.MakeDirectory(_scratch.Handle, "source", 0x1ed);
        Files.MakeDirectory(_scratch.Handle, "target", 0x1ed);
    }

    private MountEntry? Top => MountTable.Read().FindTop(_scratch["target"]);

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void CreateFileSystem_Tmpfs_IsDetachedUntilAttached()
    {
        using (var mount = Mounts.CreateFileSystem(
            "tmpfs", "a source", [new("size", "1m"), new("mode", "0700")], MountAttributes.NoExecute))
        {
            Assert.Null(Top);
            Mounts.Attach(mount, _scratch["target"]);
        }
        using var unmounting = new Unmounting(_scratch["target"]);

        Assert.Equal(("tmpfs", "a source", "rw,noexec,relatime"), (Top!.FileSystemType, Top.Source, Top.Options));
        Assert.Equal((1UL << 20, 0x1c0u), (Files.StatFs(_scratch["target"]).TotalBytes, Files.Stat(_scratch["target"]).Mode));
    }

    [Fact]
    public void CreateFileSystem_Flag_ReachesTheFileSystem()
    {
        using (var mount = Mounts.CreateFileSystem("tmpfs", null, [new("ro", null)], MountAttributes.None))
            Mounts.Attach(mount, _scratch["target"]);
        using var unmounting = new Unmounting(_scratch["target"]);

        Assert.StartsWith("rw", Top!.Options, StringComparison.Ordinal);
        Assert.StartsWith("ro", Top.SuperOptions, StringComparison.Ordinal);
        Assert.True(Top.IsReadOnly);
    }

    [Fact]
    public void CreateFileSystem_UnknownOption_EinvalWithTheKernelsWords()
    {
        var thrown = LinuxAssert.Fails(
            Errno.EINVAL, () => Mounts.CreateFileSystem("tmpfs", null, [new("nonsense", "1")], MountAttributes.None));

        Assert.Contains("Unknown parameter 'nonsense'", thrown.Detail, StringComparison.Ordinal);
        Assert.Contains("nonsense=1", thrown.Operation, StringComparison.Ordinal);
    }

    [Fact]
    public void CreateFileSystem_UnknownType_Enodev() =>
        LinuxAssert.Fails(Errno.ENODEV, () => Mounts.CreateFileSystem("nonsense", null, [], MountAttributes.None));

    [Fact]
    public void CloneTree_ReadOnlyBind_RefusesWritesWhileTheSourceTakesThem()
    {
        using var unmounting = Bind("source", "target", MountAttributes.ReadOnly | MountAttributes.NoSetUid);

        _scratch.Write("source/file", "x");

        Assert.Equal("x", File.ReadAllText(_scratch["target/file"]));
        LinuxAssert.Fails(Errno.EROFS, () => Files.Open(_scratch["target/file"], OpenFlags.WriteOnly));
        Assert.Equal("ro,nosuid,relatime", Top!.Options);
    }

    [Fact]
    public void CloneTree_File_BindsTheFile()
    {
        _scratch.Write("file", "x");
        _scratch.Write("place", "");
        using var unmounting = Bind("file", "place", MountAttributes.None);

        Assert.Equal("x", File.ReadAllText(_scratch["place"]));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 2)]
    public void CloneTree_Recursive_TakesMountsBeneathAlong(bool recursive, int mounts)
    {
        Directory.CreateDirectory(_scratch["source/inner"]);
        using var inner = Tmpfs("source/inner");
        using (var source = Files.OpenDirectory(_scratch["source"]))
        using (var clone = Mounts.CloneTree(source, recursive))
            Mounts.Attach(clone, _scratch["target"]);
        try
        {
            Assert.Equal(mounts, MountTable.Read().Beneath(_scratch["target"]).Count());
        }
        finally
        {
            MountCleanup.UnmountBeneath(_scratch["target"]);
        }
    }

    [Fact]
    public void Attach_ByDescriptor_GoesToTheDirectoryWhereverItIs()
    {
        using var target = Files.OpenAt(_scratch.Handle, "target", OpenFlags.Path | OpenFlags.Directory);
        Files.Rename(_scratch.Handle, "target", _scratch.Handle, "moved");
        Files.MakeDirectory(_scratch.Handle, "target", 0x1ed);

        using (var mount = Mounts.CreateFileSystem("tmpfs", null, [], MountAttributes.None))
            Mounts.Attach(mount, target);
        using var unmounting = new Unmounting(_scratch["moved"]);

        Assert.NotNull(MountTable.Read().FindTop(_scratch["moved"]));
        Assert.Null(Top);
    }

    [Fact]
    public void Attach_PathThatIsALink_IsNotFollowed()
    {
        Files.SymbolicLink("target", _scratch.Handle, "link");
        using var mount = Mounts.CreateFileSystem("tmpfs", null, [], MountAttributes.None);

        Assert.Throws<LinuxException>(() => Mounts.Attach(mount, _scratch["link"]));

        Assert.Empty(MountTable.Read().Beneath(_scratch.Path));
    }

    [Fact]
    public void Attach_DirectoryOverFile_Einval()
    {
        _scratch.Write("file", "");
        using var mount = Mounts.CreateFileSystem("tmpfs", null, [], MountAttributes.None);
        using var target = Files.OpenAt(_scratch.Handle, "file", OpenFlags.Path);

        LinuxAssert.Fails(Errno.EINVAL, () => Mounts.Attach(mount, target));
    }

    [Fact]
    public void SetAttributes_AttachedMount_SetsAndClears()
    {
        using var unmounting = Tmpfs("target");
        // Closed before the unmounting, being declared after it.
        using var root = Files.OpenDirectory(_scratch["target"]);

        Mounts.SetAttributes(root, MountAttributes.ReadOnly | MountAttributes.NoAccessTime, MountAttributes.None);
        Assert.Equal("ro,noatime", Top!.Options);
        Mounts.SetAttributes(root, MountAttributes.NoDevices, MountAttributes.ReadOnly | MountAttributes.NoAccessTime);
        Assert.Equal("rw,nodev,relatime", Top!.Options);
    }

    [Fact]
    public void SetAttributes_Propagation_ShowsInTheTable()
    {
        using var unmounting = Tmpfs("target");
        // Closed before the unmounting, being declared after it.
        using var root = Files.OpenDirectory(_scratch["target"]);

        Mounts.SetAttributes(root, MountAttributes.None, MountAttributes.None, MountPropagation.Shared);
        Assert.StartsWith("shared:", Assert.Single(Top!.OptionalFields), StringComparison.Ordinal);
        Mounts.SetAttributes(root, MountAttributes.None, MountAttributes.None, MountPropagation.Private);
        Assert.Empty(Top!.OptionalFields);
    }

    [Fact]
    public void SetAttributes_NotAMountsRoot_Einval() => LinuxAssert.Fails(
        Errno.EINVAL, () => Mounts.SetAttributes(_scratch.Handle, MountAttributes.ReadOnly, MountAttributes.None));

    [Fact]
    public void TryUnmount_OpenFile_FalseAndItStays()
    {
        using var unmounting = Tmpfs("target");
        using (File.Create(_scratch["target/file"]))
        {
            Assert.False(Mounts.TryUnmount(_scratch["target"]));
            LinuxAssert.Fails(Errno.EBUSY, () => Mounts.Unmount(_scratch["target"]));
            Assert.True(File.Exists(_scratch["target/file"]));
        }
    }

    [Fact]
    public void TryUnmount_NoMount_Throws()
    {
        LinuxAssert.Fails(Errno.EINVAL, () => Mounts.TryUnmount(_scratch["target"]));
        LinuxAssert.Fails(Errno.ENOENT, () => Mounts.TryUnmount(_scratch["missing"]));
    }

    [Fact]
    public void Unmount_LinkToAMount_NotFollowed()
    {
        Files.SymbolicLink("target", _scratch.Handle, "link");
        using var unmounting = Tmpfs("target");

        LinuxAssert.Fails(Errno.EINVAL, () => Mounts.Unmount(_scratch["link"]));
    }

    [Fact]
    public void PrivateThread_ChangesItsDirectory_OursStays()
    {
        var before = Environment.CurrentDirectory;

        PrivateThread.Run(() => Assert.Equal(0, LibC.chdir("/proc")), LibC.CLONE_FS);

        Assert.Equal(before, Environment.CurrentDirectory);
    }

    [Fact]
    public void PrivateThread_Throws_SoDoesTheCaller() =>
        Assert.Throws<InvalidOperationException>(() => PrivateThread.Run(() => throw new InvalidOperationException(), LibC.CLONE_FS));

    private Unmounting Bind(string source, string target, MountAttributes attributes)
    {
        using var handle = Files.OpenAt(_scratch.Handle, source, OpenFlags.Path);
        using var mount = Mounts.CloneTree(handle);
        Mounts.SetAttributes(mount, attributes, MountAttributes.None);
        Mounts.Attach(mount, _scratch[target]);
        return new Unmounting(_scratch[target]);
    }

    private Unmounting Tmpfs(string target)
    {
        using var mount = Mounts.CreateFileSystem("tmpfs", "tmpfs", [], MountAttributes.None);
        Mounts.Attach(mount, _scratch[target]);
        return new Unmounting(_scratch[target]);
    }
}
