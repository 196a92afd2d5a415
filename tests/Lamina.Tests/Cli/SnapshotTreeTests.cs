using System.Text.RegularExpressions;

namespace Lamina.Tests.Cli;

public sealed partial class SnapshotTreeTests : IAsyncLifetime
{
    private TestDaemon _daemon = null!;

    public async ValueTask InitializeAsync() => _daemon = await TestDaemon.StartAsync();

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    public async Task Tree_OfAFamily_DrawsWhoComesFromWhom()
    {
        await RunAsync("volume create data --size 10Gi", "snapshot create data s1", "snapshot restore s1 r1 --size 20Gi", "snapshot create r1 s2",
            "snapshot create data s3", "volume clone data c1", "volume create alone");

        Assert.Equal(
            """
            volume alone  no limit
            volume data  10Gi
            ├── snapshot s1
            │   └── clone r1  20Gi
            │       └── snapshot s2
            ├── snapshot s3
            └── clone c1  10Gi
            """,
            await DrawAsync());
    }

    [Fact]
    public async Task Tree_WithDeletedSources_ShowsThemAsDeleted()
    {
        await RunAsync("volume create data", "snapshot create data s1", "snapshot restore s1 r1", "volume clone data c1", "volume rm data", "snapshot create r1 s2", "snapshot rm s1");

        Assert.Equal(
            """
            volume data (deleted)
            └── clone c1  no limit
            snapshot s1 (deleted)
            └── clone r1  no limit
                └── snapshot s2
            """,
            await DrawAsync());
    }

    [Fact]
    public async Task Tree_WithANameUsedAgain_KeepsTheTwoApart()
    {
        // The new volume has the old one's id, and is made from its snapshot: by ids alone this would be a circle.
        await RunAsync("volume create data", "snapshot create data s1", "volume rm data", "snapshot restore s1 data", "snapshot create data s2");

        Assert.Equal(
            """
            volume data (deleted)
            └── snapshot s1
                └── clone data  no limit
                    └── snapshot s2
            """,
            await DrawAsync());
    }

    [Fact]
    public async Task Tree_OfOneVolume_IsItsWholeFamilyAndNoOther()
    {
        await RunAsync("volume create a", "volume create b", "snapshot create b s1", "snapshot restore s1 r1", "volume create c");

        Assert.Equal(
            """
            volume b  no limit
            └── snapshot s1
                └── clone r1  no limit
            """,
            await DrawAsync("r1"));
        Assert.Equal([null, 0, 1], (await CliRun.JsonAsync(_daemon, "snapshot", "tree", "r1")).AsArray().Select(node => (int?)node!["parent"]));
    }

    [Fact]
    public async Task Tree_OfAVolumeThatIsGone_IsWhatIsLeft()
    {
        await RunAsync("volume create a", "snapshot create a s1", "volume rm a");

        Assert.Equal("volume a (deleted)\n└── snapshot s1", await DrawAsync("a"));
        Assert.Equal(3, (await CliRun.RunAsync(_daemon, "snapshot", "tree", "never")).ExitCode);
    }

    [Fact]
    public async Task Tree_Json_IsAFlatListWithParents()
    {
        await RunAsync("volume create data --size 1Gi", "snapshot create data s1", "snapshot restore s1 r1", "volume attach r1");

        var nodes = (await CliRun.JsonAsync(_daemon, "snapshot", "tree")).AsArray();

        Assert.Equal(["volume", "snapshot", "clone"], nodes.Select(node => (string?)node!["kind"]));
        Assert.Equal([null, 0, 1], nodes.Select(node => (int?)node!["parent"]));
        Assert.Equal([0, 1, 2], nodes.Select(node => (int)node!["depth"]!));
        Assert.EndsWith(".r1", (string?)nodes[2]!["path"], StringComparison.Ordinal);
        Assert.Equal(1L << 30, (long)nodes[2]!["sizeBytes"]!);
    }

    [Fact]
    public async Task Tree_OfNothing_IsNothing()
    {
        Assert.Equal("", await CliRun.OkAsync(_daemon, "snapshot", "tree"));
        Assert.Equal("[]", await CliRun.OkAsync(_daemon, "snapshot", "tree", "-o", "json"));
    }

    private async Task RunAsync(params string[] commands)
    {
        foreach (var command in commands)
            await CliRun.OkAsync(_daemon, command.Split(' '));
    }

    // Without usage and ages, which depend on the filesystem and the clock.
    private async Task<string> DrawAsync(params string[] volume) =>
        Details().Replace(await CliRun.OkAsync(_daemon, ["snapshot", "tree", .. volume]), "").Replace("  \n", "\n", StringComparison.Ordinal).TrimEnd();

    [GeneratedRegex(@"(, |(?<=  ))(uses|holds) \S+(?=,)|, \d+s$|(?<=  )\d+s$", RegexOptions.Multiline)]
    private static partial Regex Details();
}
