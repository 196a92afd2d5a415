using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Cli;

namespace Lamina.Tests.Admin;

/// <summary>The making of a pool is cut off between any two of its steps: the next start serves what was served before, and has one default.</summary>
public sealed class PoolMakerTests
{
    // Room for so many files: the file that is written at that step is the first one for which there is none.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Init_AsDefaultCutOffAtAnyWriteOfTheConfiguration_LeavesWhatWasServed(int files)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await CliRun.OkAsync(daemon, "volume", "create", "v");
        using var room = new RoomFor(files, Path.Combine(daemon.ConfigurationDirectory, "conf.d"));

        var run = await CliRun.RunAsync(daemon, "pool", "init", "new", "--backend", "overlay2", "--path", Path.Combine(daemon.Root, "new"), "--default");
        Assert.Equal(5, run.ExitCode);
        Assert.Contains("can't be written into the configuration", run.Error, StringComparison.Ordinal);

        await daemon.StartAgainAsync();
        await AssertServesAsync(daemon, "default");
        await daemon.StopAsync();
    }

    [Fact]
    public async Task Init_AsDefaultWithRoomForAll_IsTheDefaultAfterTheNextStart()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await CliRun.OkAsync(daemon, "volume", "create", "v");
        using var room = new RoomFor(3, Path.Combine(daemon.ConfigurationDirectory, "conf.d"));

        await CliRun.OkAsync(daemon, "pool", "init", "new", "--backend", "overlay2", "--path", Path.Combine(daemon.Root, "new"), "--default");

        await daemon.StartAgainAsync();
        await AssertServesAsync(daemon, "new");
        await daemon.StopAsync();
    }

    [Fact]
    public async Task Init_ThatFailsOnTheDisk_TakesBackAllThatItConfigured()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await CliRun.OkAsync(daemon, "volume", "create", "v");
        var path = TestScratch.NewDirectory("full");
        await File.WriteAllTextAsync(Path.Combine(path, "precious"), "data");

        Assert.Equal(5, (await CliRun.RunAsync(daemon, "pool", "init", "new", "--backend", "overlay2", "--path", path, "--default")).ExitCode);

        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(daemon.ConfigurationDirectory, "conf.d")));
        await daemon.StartAgainAsync();
        await AssertServesAsync(daemon, "default");
    }

    private static async Task AssertServesAsync(TestDaemon daemon, string defaultPool)
    {
        var pools = (await CliRun.JsonAsync(daemon, "pool", "ls")).AsArray();
        Assert.All(pools, pool => Assert.True((bool)pool!["loaded"]!, pool.ToJsonString()));
        Assert.Equal([defaultPool], pools.Where(pool => (bool)pool!["default"]!).Select(pool => (string?)pool!["name"]));
        Assert.Equal("default", (string?)(await CliRun.JsonAsync(daemon, "volume", "inspect", "v"))["pool"]);
        Assert.Equal(defaultPool, (string?)(await CliRun.JsonAsync(daemon, "volume", "create", "next"))["pool"]);
    }

    /// <summary>A directory in which there is room for some files and no more, until the end of the scope.</summary>
    private sealed class RoomFor : IDisposable
    {
        private readonly string _path;

        internal RoomFor(int files, string path)
        {
            _path = path;
            Directory.CreateDirectory(path);
            // The directory itself is one too.
            using var mount = Mounts.CreateFileSystem("tmpfs", "lamina-test", [new("nr_inodes", FormattableString.Invariant($"{files + 1}"))], MountAttributes.None);
            Mounts.Attach(mount, path);
        }

        public void Dispose() => MountCleanup.UnmountBeneath(_path);
    }
}
