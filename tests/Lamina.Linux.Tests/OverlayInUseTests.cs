using Lamina.Linux.Interop;
using Lamina.Testing;

namespace Lamina.Linux.Tests;

[Collection<Ext4Collection>]
public sealed class OverlayInUseOnExt4Tests(Ext4FileSystem fileSystem) : OverlayInUseTests(fileSystem);

[Collection<XfsCollection>]
public sealed class OverlayInUseOnXfsTests(XfsFileSystem fileSystem) : OverlayInUseTests(fileSystem);

[Collection<BtrfsCollection>]
public sealed class OverlayInUseOnBtrfsTests(BtrfsFileSystem fileSystem) : OverlayInUseTests(fileSystem);

/// <summary>The in-use probe against the ways in which an upper can be alive.</summary>
public abstract class OverlayInUseTests
{
    private const int MNT_DETACH = 2;

    private readonly string _lower;
    private readonly string _upper;
    private readonly string _work;
    private readonly string _target;

    protected OverlayInUseTests(ScratchFileSystem fileSystem)
    {
        var directory = fileSystem.NewDirectory("in,use:");
        _lower = Directory.CreateDirectory($"{directory}/lower").FullName;
        _upper = Directory.CreateDirectory($"{directory}/upper").FullName;
        _work = Directory.CreateDirectory($"{directory}/work").FullName;
        _target = Directory.CreateDirectory($"{directory}/target").FullName;
    }

    private OverlayOptions Options => new() { LowerDirectories = [_lower], UpperDirectory = _upper, WorkDirectory = _work };

    [Fact]
    public void IsUpperInUse_NeverMounted_False() => Assert.False(Mounts.IsUpperInUse(_upper, _lower));

    [Fact]
    public void IsUpperInUse_NeverMounted_UpperAndMountTableStayAsTheyWere()
    {
        Mounts.IsUpperInUse(_upper, _lower);

        // Other tests and other programs mount and unmount meanwhile: only what the probe could leave is looked for.
        var directory = Path.GetFileName(Path.GetDirectoryName(_upper))!;
        Assert.DoesNotContain(MountTable.Read().Entries, mount =>
            mount.Source == "lamina-in-use-probe"
            || mount.Root.Contains(directory, StringComparison.Ordinal)
            || mount.MountPoint.Contains(directory, StringComparison.Ordinal));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_upper));
        using var upper = Files.OpenDirectory(_upper);
        Assert.Empty(ExtendedAttributes.List(upper));
    }

    [Fact]
    public void IsUpperInUse_Mounted_True()
    {
        Mounts.MountOverlay(Options, _target, MountAttributes.None);
        try
        {
            Assert.True(Mounts.IsUpperInUse(_upper, _lower));
        }
        finally
        {
            Mounts.Unmount(_target);
        }
    }

    [Fact]
    public void IsUpperInUse_MountedAndUnmounted_False()
    {
        Mounts.MountOverlay(Options, _target, MountAttributes.None);
        File.WriteAllText($"{_target}/file", "content");
        Mounts.Unmount(_target);

        Assert.False(Mounts.IsUpperInUse(_upper, _lower));
    }

    [Fact]
    public void IsUpperInUse_DetachedMountNobodySees_TrueUntilItsHandleIsClosed()
    {
        using (Mounts.CreateOverlay(Options, MountAttributes.None))
            Assert.True(Mounts.IsUpperInUse(_upper, _lower));

        Assert.False(Mounts.IsUpperInUse(_upper, _lower));
    }

    [Fact]
    public void IsUpperInUse_LazilyUnmountedWithOpenFile_TrueUntilTheFileIsClosed()
    {
        Mounts.MountOverlay(Options, _target, MountAttributes.None);
        using (File.Create($"{_target}/file"))
        {
            Assert.Equal(0, LibC.umount2(_target, MNT_DETACH));
            Assert.Null(MountTable.Read().FindTop(_target));

            Assert.True(Mounts.IsUpperInUse(_upper, _lower));
        }
        Assert.False(Mounts.IsUpperInUse(_upper, _lower));
    }

    [Fact]
    public async Task IsUpperInUse_AliveInAnotherMountNamespaceOnly_TrueUntilUnmountedThere()
    {
        using var mounted = new SemaphoreSlim(0);
        using var end = new ManualResetEventSlim();
        var elsewhere = Task.Run(() => PrivateThread.Run(
            () =>
            {
                MakePrivate();
                Mounts.MountOverlay(Options, _target, MountAttributes.None);
                mounted.Release();
                end.Wait();
                // The end of the thread would do it too, but a moment after we have waited for it.
                Mounts.Unmount(_target);
            },
            LibC.CLONE_NEWNS | LibC.CLONE_FS));
        var first = await Task.WhenAny(mounted.WaitAsync(), elsewhere);
        if (first == elsewhere)
            await elsewhere;

        try
        {
            Assert.Null(MountTable.Read().FindTop(_target));
            Assert.True(Mounts.IsUpperInUse(_upper, _lower));
        }
        finally
        {
            end.Set();
            await elsewhere;
        }
        Assert.False(Mounts.IsUpperInUse(_upper, _lower));
    }

    [Fact]
    public void IsUpperInUse_WorkDirectoryOfALiveMountIsAskedFor_True()
    {
        Mounts.MountOverlay(Options, _target, MountAttributes.None);
        try
        {
            Assert.True(Mounts.IsUpperInUse(_work, _lower));
        }
        finally
        {
            Mounts.Unmount(_target);
        }
    }

    [Fact]
    public void IsUpperInUse_LowerOfALiveMount_False()
    {
        Mounts.MountOverlay(Options, _target, MountAttributes.None);
        try
        {
            Assert.False(Mounts.IsUpperInUse(_lower, _target));
        }
        finally
        {
            Mounts.Unmount(_target);
        }
    }

    [Fact]
    public void IsUpperInUse_UpperReachedByAReadOnlyMount_TrueAsNobodyCanTell()
    {
        using (var upper = Files.OpenDirectory(_upper))
        using (var clone = Mounts.CloneTree(upper))
        {
            Mounts.SetAttributes(clone, MountAttributes.ReadOnly, MountAttributes.None);
            Mounts.Attach(clone, _target);
        }
        try
        {
            Assert.True(Mounts.IsUpperInUse(_target, _lower));
        }
        finally
        {
            Mounts.Unmount(_target);
        }
    }

    [Fact]
    public void IsUpperInUse_UpperMissing_Throws()
    {
        var thrown = Assert.Throws<LinuxException>(() => Mounts.IsUpperInUse($"{_upper}/missing", _lower));

        Assert.Equal(Errno.ENOENT, thrown.Errno);
    }

    private static void MakePrivate()
    {
        using var root = Files.OpenDirectory("/");
        Mounts.SetAttributes(root, MountAttributes.None, MountAttributes.None, MountPropagation.Private, recursive: true);
    }
}
