using Lamina.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Cli;

public sealed class SnapshotGroupCommandTests(TestDaemon daemon) : IClassFixture<TestDaemon>
{
    [Fact]
    public async Task Create_OfTwoVolumes_PrintsTheirSnapshots()
    {
        await VolumesAsync("a1", "b1");

        Assert.Equal("g1/a1\ng1/b1", await CliRun.OkAsync(daemon, "snapshot", "group", "create", "g1", "b1", "a1", "--label", "why=test"));
        Assert.Equal("g1/a1\ng1/b1", await CliRun.OkAsync(daemon, "snapshot", "group", "create", "g1", "a1", "b1"));
    }

    [Fact]
    public async Task Group_Listed_IsThereAndItsSnapshotsNameIt()
    {
        await VolumesAsync("a2", "b2");
        await CliRun.OkAsync(daemon, "snapshot", "group", "create", "g2", "a2", "b2");

        Assert.Matches(@"g2 +2 +- +cli +\S+ +a2, b2", await CliRun.OkAsync(daemon, "snapshot", "group", "ls"));
        Assert.Matches(@"g2/a2 +a2 +\S+ .* g2 +cli ", await CliRun.OkAsync(daemon, "snapshot", "ls", "a2"));
        Assert.Matches(@"snapshot g2/a2 .*of group g2", await CliRun.OkAsync(daemon, "snapshot", "tree", "a2"));
    }

    [Fact]
    public async Task Inspect_OfAGroup_ShowsAll()
    {
        await VolumesAsync("a3", "b3");
        await CliRun.OkAsync(daemon, "snapshot", "group", "create", "g3", "a3", "b3", "--label", "why=test");

        var text = await CliRun.OkAsync(daemon, "snapshot", "group", "inspect", "g3");
        var json = await CliRun.JsonAsync(daemon, "snapshot", "group", "inspect", "g3");

        Assert.Contains("g3/b3  of b3, in pool default", text, StringComparison.Ordinal);
        Assert.Contains("why=test", text, StringComparison.Ordinal);
        Assert.Equal(["id", "name", "volumes", "snapshots", "pauseSeconds", "labels", "door", "createdAt"], json.AsObject().Select(field => field.Key));
        Assert.All(json["snapshots"]!.AsArray(), snapshot => Assert.Equal(((string?)json["id"], "g3"), ((string?)snapshot!["groupId"], (string?)snapshot["group"])));
        Assert.Equal((string?)json["name"], (string?)(await CliRun.JsonAsync(daemon, "snapshot", "group", "inspect", (string)json["id"]!))["name"]);
    }

    [Fact]
    public async Task Restore_OfAMemberByItsName_MakesAVolume()
    {
        await VolumesAsync("a4", "b4");
        await CliRun.OkAsync(daemon, "snapshot", "group", "create", "g4", "a4", "b4");

        Assert.Equal("r4", await CliRun.OkAsync(daemon, "snapshot", "restore", "g4/b4", "r4"));
    }

    [Fact]
    public async Task Remove_OfAMemberAlone_IsRefusedAndOffersTheGroup()
    {
        await VolumesAsync("a5", "b5");
        await CliRun.OkAsync(daemon, "snapshot", "group", "create", "g5", "a5", "b5");

        var refused = await CliRun.RunAsync(daemon, "snapshot", "rm", "g5/a5");

        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("lamina snapshot group rm", refused.Error, StringComparison.Ordinal);
        Assert.Equal("g5", await CliRun.OkAsync(daemon, "snapshot", "group", "rm", "g5"));
        Assert.Empty((await CliRun.JsonAsync(daemon, "snapshot", "ls", "a5")).AsArray());
        Assert.NotEqual(0, (await CliRun.RunAsync(daemon, "snapshot", "group", "rm", "g5")).ExitCode);
    }

    [Fact]
    public async Task Remove_OfWhatKubernetesMade_WantsToBeInsistedOn()
    {
        await VolumesAsync("a6");
        var volume = daemon.Services.GetRequiredService<VolumeService>().GetByNameOrId("a6");
        await daemon.Services.GetRequiredService<SnapshotGroupService>().CreateAsync(
            new SnapshotGroupRequest { Name = "g6", Volumes = [volume.Id], Door = Door.Csi }, CancellationToken.None);

        Assert.Contains("--any-door", (await CliRun.RunAsync(daemon, "snapshot", "group", "rm", "g6")).Error, StringComparison.Ordinal);
        await CliRun.OkAsync(daemon, "snapshot", "group", "rm", "g6", "--any-door");
    }

    [Fact]
    public async Task Create_Otherwise_SaysWhatIsWrong()
    {
        await VolumesAsync("a7", "b7");
        await CliRun.OkAsync(daemon, "snapshot", "group", "create", "g7", "a7");
        Assert.Contains("there is no volume 'nowhere'", (await CliRun.RunAsync(daemon, "snapshot", "group", "create", "g", "a7", "nowhere")).Error, StringComparison.Ordinal);
        Assert.Contains("exists already", (await CliRun.RunAsync(daemon, "snapshot", "group", "create", "g7", "b7")).Error, StringComparison.Ordinal);
        Assert.Contains("twice", (await CliRun.RunAsync(daemon, "snapshot", "group", "create", "g", "a7", "a7")).Error, StringComparison.Ordinal);
        Assert.Equal(2, (await CliRun.RunAsync(daemon, "snapshot", "group", "create", "g")).ExitCode);
    }

    private async Task VolumesAsync(params string[] names)
    {
        foreach (var name in names)
            await CliRun.OkAsync(daemon, "volume", "create", name);
    }
}
