using Lamina.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Cli;

public sealed class SnapshotCommandTests(TestDaemon daemon) : IClassFixture<TestDaemon>
{
    [Fact]
    public async Task Create_WithName_PrintsIt()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "v1");

        Assert.Equal("s1", await CliRun.OkAsync(daemon, "snapshot", "create", "v1", "s1", "--label", "why=test"));
        Assert.Equal("s1", await CliRun.OkAsync(daemon, "snapshot", "create", "v1", "s1"));
    }

    [Fact]
    public async Task Create_WithoutName_MakesANewOneEachTime()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "v2");

        var names = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => CliRun.OkAsync(daemon, "snapshot", "create", "v2")));

        Assert.Equal(8, names.Distinct().Count());
        Assert.All(names, name => Assert.Matches(@"^v2-\d{8}-\d{6}-\d{3}$", name));
    }

    [Fact]
    public async Task Create_WithoutNameOfALongNamedVolume_FitsIntoAName()
    {
        var volume = string.Concat(Enumerable.Repeat("ü", 64));
        await CliRun.OkAsync(daemon, "volume", "create", volume);

        Assert.StartsWith("üüü", await CliRun.OkAsync(daemon, "snapshot", "create", volume), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_Json_HasEveryField()
    {
        var id = (string?)(await CliRun.JsonAsync(daemon, "volume", "create", "v3", "--size", "1Gi"))["id"];

        var snapshot = await CliRun.JsonAsync(daemon, "snapshot", "create", "v3", "s3");

        Assert.Equal(
            ["id", "name", "pool", "volume", "volumeName", "sizeBytes", "exclusiveBytes", "pauseSeconds", "labels", "door", "createdAt", "group", "groupId"],
            snapshot.AsObject().Select(field => field.Key));
        Assert.Equal(id, (string?)snapshot["volume"]);
        Assert.Equal("v3", (string?)snapshot["volumeName"]);
        Assert.Equal(1L << 30, (long)snapshot["sizeBytes"]!);
        Assert.Null(snapshot["pauseSeconds"]);
    }

    [Fact]
    public async Task Create_WithAPause_SaysHowLongBesideTheData()
    {
        await using var fake = await FakeDaemon.StartOfSnapshotsAsync();

        var people = await CliRun.RunAsync(CliRun.HostOf(fake.Socket), "snapshot", "create", "v", "s");
        var programs = await CliRun.RunAsync(CliRun.HostOf(fake.Socket), "snapshot", "create", "v", "s", "-o", "json");

        Assert.Equal((0, "s\n", "The volume's writers stood still for 12ms.\n"), (people.ExitCode, people.Out, people.Error));
        Assert.Equal((0.0124, ""), ((double)programs.Json["pauseSeconds"]!, programs.Error));
    }

    [Fact]
    public async Task Create_NameOfAnotherVolumesSnapshot_IsFour()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "v4");
        await CliRun.OkAsync(daemon, "volume", "create", "v5");
        await CliRun.OkAsync(daemon, "snapshot", "create", "v4", "s4");

        Assert.Equal(4, (await CliRun.RunAsync(daemon, "snapshot", "create", "v5", "s4")).ExitCode);
    }

    [Fact]
    public async Task Create_OfNothing_IsThree() =>
        Assert.Equal(3, (await CliRun.RunAsync(daemon, "snapshot", "create", "nothing")).ExitCode);

    [Fact]
    public async Task Restore_IntoNewVolume_HasTheContentOfTheCut()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "v6", "--size", "1Gi");
        File.WriteAllText(Path.Combine(await CliRun.OkAsync(daemon, "volume", "attach", "v6"), "file"), "before");
        await CliRun.OkAsync(daemon, "volume", "detach", "v6");
        await CliRun.OkAsync(daemon, "snapshot", "create", "v6", "s6");
        File.WriteAllText(Path.Combine(await CliRun.OkAsync(daemon, "volume", "attach", "v6"), "file"), "after");

        Assert.Equal("r6", await CliRun.OkAsync(daemon, "snapshot", "restore", "s6", "r6", "--size", "2Gi"));

        Assert.Equal("before", File.ReadAllText(Path.Combine(await CliRun.OkAsync(daemon, "volume", "attach", "r6"), "file")));
        var volume = await CliRun.JsonAsync(daemon, "volume", "inspect", "r6");
        Assert.EndsWith(".s6", (string?)volume["source"]!["snapshot"], StringComparison.Ordinal);
        Assert.Equal(2L << 30, (long)volume["sizeBytes"]!);
        Assert.Equal("r6", await CliRun.OkAsync(daemon, "volume", "create", "r6", "--from", "s6", "--size", "2Gi"));
    }

    [Fact]
    public async Task List_OfVolume_ThatIsGone_StillHasThem()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "v7");
        await CliRun.OkAsync(daemon, "snapshot", "create", "v7", "s7");
        Assert.Equal("s7", (string?)Assert.Single((await CliRun.JsonAsync(daemon, "snapshot", "ls", "v7")).AsArray())!["name"]);
        await CliRun.OkAsync(daemon, "volume", "rm", "v7");

        var lines = (await CliRun.OkAsync(daemon, "snapshot", "ls", "v7")).Split('\n');

        Assert.Matches(@"^NAME  VOLUME        POOL     +SIZE  +HOLDS  PAUSE  GROUP  MADE BY  +AGE$", lines[0]);
        Assert.Matches(@"^s7    v7 \(deleted\)  default  no limit  .* -  +-  +cli +\d+s$", lines[1]);
        Assert.Null(Assert.Single((await CliRun.JsonAsync(daemon, "snapshot", "ls", "v7")).AsArray())!["volumeName"]);
    }

    [Fact]
    public async Task List_OfVolumeThatNeverWas_IsThree() =>
        Assert.Equal(3, (await CliRun.RunAsync(daemon, "snapshot", "ls", "never")).ExitCode);

    [Fact]
    public async Task Remove_Several_PrintsEach()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "v8");
        await CliRun.OkAsync(daemon, "snapshot", "create", "v8", "s8a");
        await CliRun.OkAsync(daemon, "snapshot", "create", "v8", "s8b");

        Assert.Equal("s8a\ns8b", await CliRun.OkAsync(daemon, "snapshot", "rm", "s8a", "s8b"));
        Assert.Equal(3, (await CliRun.RunAsync(daemon, "snapshot", "rm", "s8a")).ExitCode);
    }

    [Fact]
    public async Task Remove_OfAnotherDoorsSnapshot_NeedsInsisting()
    {
        var volume = await daemon.Services.GetRequiredService<VolumeService>().CreateAsync(new VolumeRequest { Name = "v9", Door = Door.Docker }, CancellationToken.None);
        await daemon.Services.GetRequiredService<SnapshotService>()
            .CreateAsync(new SnapshotRequest { Name = "s9", Volume = volume.Id, Door = Door.Csi }, CancellationToken.None);

        Assert.Equal(5, (await CliRun.RunAsync(daemon, "snapshot", "rm", "s9")).ExitCode);
        await CliRun.OkAsync(daemon, "snapshot", "rm", "s9", "--any-door");
    }
}
