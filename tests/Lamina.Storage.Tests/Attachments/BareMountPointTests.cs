using Lamina.Linux;
using Lamina.Storage.Attachments;
using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Attachments;

/// <summary>
/// A volume that somebody has unmounted behind the daemon's back: nobody writes to the bare mount point, not even root in a container. On tmpfs a flag
/// sees to that; ramfs has none, as tmpfs before Linux 6.6.
/// </summary>
public sealed class BareMountPointTests
{
    private static readonly HolderIdentity Holder = new(Door.Docker, HolderKind.Engine, "engine");

    public static TheoryData<string> FileSystems => ["tmpfs", "ramfs"];

    [Theory, MemberData(nameof(FileSystems))]
    public Task Volume_UnmountedBehindOurBack_LeavesNothingThatCanBeWrittenTo(string fileSystem) => WithAsync(fileSystem, async (services, volume, path) =>
    {
        File.WriteAllText(Path.Combine(path, "file"), "kept");

        Mounts.Unmount(path);

        Assert.ThrowsAny<SystemException>(() => File.WriteAllText(Path.Combine(path, "lost"), ""));
        Assert.Null(services.Attachments.MountPointOf(volume.Id));
        await services.Attachments.DetachAsync(volume.Id, Holder, CancellationToken.None);
        Assert.False(Path.Exists(path));
    });

    [Theory, MemberData(nameof(FileSystems))]
    public Task Volume_UnmountedBehindOurBack_IsMountedAgain(string fileSystem) => WithAsync(fileSystem, async (services, volume, path) =>
    {
        File.WriteAllText(Path.Combine(path, "file"), "kept");
        var mounts = MountTable.Read().At(path).Count();
        Mounts.Unmount(path);

        Assert.Equal(path, await services.Attachments.AttachAsync(volume.Id, Holder, "", CancellationToken.None));

        Assert.Equal("kept", File.ReadAllText(Path.Combine(path, "file")));
        Assert.Equal(mounts, MountTable.Read().At(path).Count());
        // Told apart from the mount point even where its root has the same mode.
        File.SetUnixFileMode(path, UnixFileMode.None);
        Assert.Equal(path, services.Attachments.MountPointOf(volume.Id));
        await services.Attachments.DetachAsync(volume.Id, Holder, CancellationToken.None);
        Assert.Empty(MountTable.Read().At(path));
        Assert.False(Path.Exists(path));
    });

    private static async Task WithAsync(string fileSystem, Func<StorageServices, Volume, string, Task> test)
    {
        var runtime = TestScratch.NewDirectory("run");
        using (var mount = Mounts.CreateFileSystem(fileSystem, fileSystem, [], MountAttributes.None))
            Mounts.Attach(mount, runtime);
        try
        {
            var settings = new PoolSettings { Name = PoolName.Default, Backend = PoolBackend.Overlay2, Path = TestScratch.NewDirectory("pool") };
            PoolInitializer.Initialize(settings);
            await using var services = await StorageServices.StartAsync(runtime, [settings]);
            var volume = await services.CreateAsync("data");
            await test(services, volume, await services.Attachments.AttachAsync(volume.Id, Holder, "", CancellationToken.None));
        }
        finally
        {
            MountCleanup.UnmountBeneath(runtime);
        }
    }
}
