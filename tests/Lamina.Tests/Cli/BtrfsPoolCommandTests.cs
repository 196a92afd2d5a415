using Lamina.Linux;
using Lamina.Metrics;
using Lamina.Testing;
using Lamina.Tests.Monitoring;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Cli;

/// <summary>Pools in a directory on a Btrfs of the host.</summary>
public sealed class BtrfsPoolCommandTests(BtrfsFileSystem fileSystem) : IClassFixture<BtrfsFileSystem>, IAsyncLifetime
{
    private TestDaemon _daemon = null!;

    private string Path => $"{fileSystem.MountPoint}/pool-of-{System.IO.Path.GetFileName(_daemon.Root)}";

    public async ValueTask InitializeAsync() => _daemon = await TestDaemon.StartAsync();

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    public async Task Init_OnBtrfs_IsServedNowAndAfterARestart()
    {
        await InitAsync();
        await CliRun.OkAsync(_daemon, "volume", "create", "v", "--pool", "fast", "--size", "16Mi", "--param", "compression=zstd", "--param", "mode=0700");
        await WriteAsync("v", "content");
        await CliRun.OkAsync(_daemon, "snapshot", "create", "v", "s");
        await CliRun.OkAsync(_daemon, "snapshot", "restore", "s", "w");

        await _daemon.StartAgainAsync();

        Assert.Equal("content", await ReadAsync("w"));
        Assert.Equal("""{"pools":{"fast":{"backend":"btrfs","path":"PATH"}}}""".Replace("PATH", Path, StringComparison.Ordinal), await DropInAsync("fast"));
        var inspected = await CliRun.JsonAsync(_daemon, "volume", "inspect", "w");
        Assert.Equal(("fast", 16L << 20), ((string?)inspected["pool"], (long)inspected["sizeBytes"]!));
    }

    [Fact]
    public async Task AdvisoryLimits_AreSaidByListInspectDoctorAndMetrics()
    {
        await InitAsync();

        Assert.Matches(@"(?m)^fast +[a-z2-7]{13}  btrfs +btrfs +\S+ +1Gi +\S+i +0 +0  advisory  - +loaded$", await CliRun.OkAsync(_daemon, "pool", "ls"));
        var text = await CliRun.OkAsync(_daemon, "pool", "inspect", "fast");
        Assert.Matches(@"(?m)^limits +advisory$", text);
        Assert.Matches(@"(?m)^warning +sizes are advisory", text);
        Assert.Contains("sizes are advisory", (await CliRun.RunAsync(_daemon, "doctor")).Out, StringComparison.Ordinal);
        var metrics = await MetricsAsync();
        Assert.Contains("lamina_pool_hard_limits{pool=\"fast\"} 0\n", metrics, StringComparison.Ordinal);
        Assert.Contains("lamina_pool_problems{pool=\"fast\"} 0\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Problem_OfALoadedPool_IsSaidByListDoctorAndMetrics()
    {
        await InitAsync();
        await CliRun.OkAsync(_daemon, "volume", "create", "v", "--pool", "fast");
        using (var other = Files.OpenDirectory(TestScratch.NewDirectory("other")))
        using (var tree = Mounts.CloneTree(other))
            Mounts.Attach(tree, fileSystem.MountPoint);
        try
        {
            Assert.Matches(@"(?m)^fast .* loaded, unwell: its filesystem is not mounted at ", await CliRun.OkAsync(_daemon, "pool", "ls"));
            Assert.Equal(7, (await CliRun.RunAsync(_daemon, "volume", "attach", "v")).ExitCode);
            Assert.Equal(1, (await CliRun.RunAsync(_daemon, "doctor")).ExitCode);
            Assert.Contains("lamina_pool_problems{pool=\"fast\"} 1\n", await MetricsAsync(), StringComparison.Ordinal);
        }
        finally
        {
            Mounts.Unmount(fileSystem.MountPoint);
        }
        await WriteAsync("v", "after");
    }

    [Fact]
    public async Task Init_OnAnotherFileSystem_IsRefusedAndSaysWhatWorks()
    {
        var path = System.IO.Path.Combine(_daemon.Root, "plain", "pool");

        var run = await CliRun.RunAsync(_daemon, "pool", "init", "x", "--backend", "btrfs", "--path", path);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("needs a directory on Btrfs, or an image of its own", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(System.IO.Path.GetDirectoryName(path)));
        Assert.False(File.Exists(System.IO.Path.Combine(_daemon.ConfigurationDirectory, "conf.d", "pool-x.json")));
    }

    [Fact]
    public async Task Init_WhereAKilledDaemonBegan_MakesThePool()
    {
        foreach (var name in (string[])["volumes", "snapshots", "incoming"])
            Directory.CreateDirectory(System.IO.Path.Combine(Path, name));
        await InitAsync();
    }

    [Fact]
    public async Task Init_WithQuotasConfigured_HasHardLimits()
    {
        await using var disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs);
        await using var daemon = await TestDaemon.StartAsync("--pools:hard:backend=btrfs", $"--pools:hard:path={disk.MountPoint}/pool", "--pools:hard:quota=simple");

        var text = await CliRun.OkAsync(daemon, "pool", "init", "hard");

        Assert.Matches(@"(?m)^limits +hard$", text);
        Assert.DoesNotContain("warning", text, StringComparison.Ordinal);
        await daemon.StopAsync();
    }

    private Task<string> InitAsync() => CliRun.OkAsync(_daemon, "pool", "init", "fast", "--backend", "btrfs", "--path", Path);

    private async Task WriteAsync(string volume, string content)
    {
        var path = await CliRun.OkAsync(_daemon, "volume", "attach", volume);
        await File.WriteAllTextAsync($"{path}/file", content);
        await CliRun.OkAsync(_daemon, "volume", "detach", volume);
    }

    private async Task<string> ReadAsync(string volume)
    {
        var path = await CliRun.OkAsync(_daemon, "volume", "attach", volume);
        var content = await File.ReadAllTextAsync($"{path}/file");
        await CliRun.OkAsync(_daemon, "volume", "detach", volume);
        return content;
    }

    private async Task<string> DropInAsync(string name) =>
        System.Text.Json.Nodes.JsonNode.Parse(await File.ReadAllTextAsync(System.IO.Path.Combine(_daemon.ConfigurationDirectory, "conf.d", $"pool-{name}.json")))!.ToJsonString();

    private async Task<string> MetricsAsync()
    {
        await _daemon.Services.GetRequiredService<StateSampler>().LookAsync();
        return await ScrapeCostTests.ScrapeAsync(_daemon.Services.GetRequiredService<StateExposition>());
    }
}
