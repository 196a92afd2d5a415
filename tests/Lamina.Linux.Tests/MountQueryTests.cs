using Lamina.Testing;

namespace Lamina.Linux.Tests;

[Collection<XfsCollection>]
public sealed class MountQueryTests(XfsFileSystem fileSystem)
{
    private const MountAttributes Some = MountAttributes.ReadOnly | MountAttributes.NoAccessTime | MountAttributes.NoExecute;

    [Fact]
    public void At_MountPoint_SaysWhatIsMounted()
    {
        var found = MountQuery.At(fileSystem.MountPoint)!;

        Assert.Equal((fileSystem.MountPoint, "/", "xfs"), (found.MountPoint, found.Root, found.FileSystemType));
        Assert.Equal(MountTable.Read().FindTop(fileSystem.MountPoint)!.Device, found.Device);
        Assert.Equal(MountAttributes.None, found.Attributes);
        Assert.Equal(Files.Stat(fileSystem.Root).MountId, found.Id);
        Assert.Equal(found, MountQuery.At(fileSystem.Root));
    }

    [Fact]
    public void At_BindMount_SaysItsRootAndAttributes()
    {
        var (source, target) = (fileSystem.NewDirectory("source"), fileSystem.NewDirectory("a target"));
        using var unmounting = Bind(source, target);

        var found = MountQuery.At(target)!;

        Assert.Equal((target, $"/{Path.GetFileName(source)}", Some), (found.MountPoint, found.Root, found.Attributes));
    }

    [Fact]
    public void Find_OldKernelsWayByTheTable_SaysTheSame()
    {
        var (source, target) = (fileSystem.NewDirectory("source"), fileSystem.NewDirectory("target"));
        using var unmounting = Bind(source, target);
        var table = MountTable.Read();
        var asked = MountQuery.At(target)!;

        var found = MountQuery.Find(table, (ulong)table.FindTop(target)!.Id)!;

        Assert.Equal(asked, found with { Id = asked.Id });
        Assert.Null(MountQuery.Find(table, ulong.MaxValue));
    }

    [Fact]
    public void At_DirectoryWithinAMount_Null() => Assert.Null(MountQuery.At(fileSystem.NewDirectory()));

    [Fact]
    public void At_Missing_Null() => Assert.Null(MountQuery.At($"{fileSystem.MountPoint}/missing/missing"));

    [Fact]
    public void At_LinkToAMountPoint_NotFollowed()
    {
        var directory = fileSystem.NewDirectory();
        File.CreateSymbolicLink($"{directory}/link", fileSystem.MountPoint);

        Assert.Null(MountQuery.At($"{directory}/link"));
    }

    [Fact]
    public void At_DetachedMount_NullOrWithoutAPlace()
    {
        using var mount = Mounts.CreateFileSystem("tmpfs", null, [], MountAttributes.None);

        Assert.True(MountQuery.At(mount) is null or { MountPoint: "" });
    }

    private static Unmounting Bind(string source, string target)
    {
        using var handle = Files.OpenDirectory(source);
        using var mount = Mounts.CloneTree(handle);
        Mounts.SetAttributes(mount, Some, MountAttributes.None);
        Mounts.Attach(mount, target);
        return new Unmounting(target);
    }
}
