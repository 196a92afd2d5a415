using Lamina.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Cli;

/// <summary><c>lamina snapshot restore --in-place</c>.</summary>
public sealed class RestoreInPlaceTests(TestDaemon daemon) : IClassFixture<TestDaemon>
{
    [Fact]
    public async Task RestoreInPlace_OfAVolumeThatNobodyUses_GoesBackAndKeepsTheStateBefore()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "v", "--size", "10Mi");
        await WriteAsync("v", "then");
        await CliRun.OkAsync(daemon, "snapshot", "create", "v", "then");
        await WriteAsync("v", "now");

        var run = await CliRun.RunAsync(daemon, "snapshot", "restore", "--in-place", "then");

        Assert.Equal((0, "v\n"), (run.ExitCode, run.Out));
        Assert.Equal("then", await ReadAsync("v"));
        var before = (string)(await CliRun.JsonAsync(daemon, "snapshot", "ls", "v")).AsArray().Single(one => (string?)one!["name"] != "then")!["name"]!;
        Assert.Equal($"The state before is kept as snapshot {before}.\n", run.Error);
        await CliRun.OkAsync(daemon, "snapshot", "restore", before, "undone");
        Assert.Equal("now", await ReadAsync("undone"));
    }

    [Fact]
    public async Task RestoreInPlace_OfAVolumeInUse_IsRefusedAndLeavesNoSnapshot()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "used");
        await CliRun.OkAsync(daemon, "snapshot", "create", "used", "used-then");
        await CliRun.OkAsync(daemon, "volume", "attach", "used", "--as", "me");

        var run = await CliRun.RunAsync(daemon, "snapshot", "restore", "--in-place", "used-then");

        Assert.Equal(5, run.ExitCode);
        Assert.Contains("is in use by cli user 'me'", run.Error, StringComparison.Ordinal);
        Assert.Single((await CliRun.JsonAsync(daemon, "snapshot", "ls", "used")).AsArray());
        await CliRun.OkAsync(daemon, "volume", "detach", "used", "--as", "me");
    }

    [Fact]
    public async Task RestoreInPlace_OfAVolumeThatIsGone_IsRefusedAlsoWhenAnotherHasItsName()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "gone");
        await CliRun.OkAsync(daemon, "snapshot", "create", "gone", "gone-then");
        await CliRun.OkAsync(daemon, "volume", "rm", "gone");
        for (var round = 0; round < 2; round++)
        {
            var run = await CliRun.RunAsync(daemon, "snapshot", "restore", "--in-place", "gone-then");
            Assert.Equal(3, run.ExitCode);
            Assert.Contains("make a new one of it: lamina snapshot restore gone-then NEW-VOLUME", run.Error, StringComparison.Ordinal);
            if (round == 0)
                await CliRun.OkAsync(daemon, "volume", "create", "gone");
        }
    }

    [Fact]
    public async Task RestoreInPlace_OfAPodsVolume_NeedsInsisting()
    {
        await daemon.Services.GetRequiredService<VolumeService>().CreateAsync(new VolumeRequest { Name = "pvc-1", Door = Door.Csi }, CancellationToken.None);
        await CliRun.OkAsync(daemon, "snapshot", "create", "pvc-1", "pvc-then");

        var refused = await CliRun.RunAsync(daemon, "snapshot", "restore", "--in-place", "pvc-then");
        Assert.Equal(5, refused.ExitCode);
        Assert.Contains("volume 'pvc-1' was made by Kubernetes (CSI)", refused.Error, StringComparison.Ordinal);
        Assert.Contains("--any-door", refused.Error, StringComparison.Ordinal);
        Assert.Single((await CliRun.JsonAsync(daemon, "snapshot", "ls", "pvc-1")).AsArray());

        Assert.Equal("pvc-1", await CliRun.OkAsync(daemon, "snapshot", "restore", "--in-place", "--any-door", "pvc-then"));
    }

    // Its users have no other way.
    [Fact]
    public async Task RestoreInPlace_OfADockerVolume_IsDone()
    {
        await daemon.Services.GetRequiredService<VolumeService>().CreateAsync(new VolumeRequest { Name = "docker", Door = Door.Docker }, CancellationToken.None);
        await CliRun.OkAsync(daemon, "snapshot", "create", "docker", "docker-then");

        Assert.Equal("docker", await CliRun.OkAsync(daemon, "snapshot", "restore", "--in-place", "docker-then"));
    }

    [Fact]
    public async Task Restore_WithAndWithoutANewVolume_AsksForOneOrTheOther()
    {
        Assert.Equal(2, (await CliRun.RunAsync(daemon, "snapshot", "restore", "s")).ExitCode);
        Assert.Equal(2, (await CliRun.RunAsync(daemon, "snapshot", "restore", "--in-place", "s", "new")).ExitCode);
        Assert.Equal(2, (await CliRun.RunAsync(daemon, "snapshot", "restore", "--in-place", "s", "--size", "1Gi")).ExitCode);
        Assert.Equal(2, (await CliRun.RunAsync(daemon, "snapshot", "restore", "--any-door", "s", "new")).ExitCode);
        Assert.Equal(3, (await CliRun.RunAsync(daemon, "snapshot", "restore", "--in-place", "nothing")).ExitCode);
    }

    private async Task WriteAsync(string volume, string content)
    {
        await File.WriteAllTextAsync(Path.Combine(await CliRun.OkAsync(daemon, "volume", "attach", volume), "file"), content);
        await CliRun.OkAsync(daemon, "volume", "detach", volume);
    }

    private async Task<string> ReadAsync(string volume)
    {
        var content = await File.ReadAllTextAsync(Path.Combine(await CliRun.OkAsync(daemon, "volume", "attach", volume), "file"));
        await CliRun.OkAsync(daemon, "volume", "detach", volume);
        return content;
    }
}
