using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Cli;
using Lamina.Tests.Csi;
using Lamina.Tests.Docker;

namespace Lamina.Tests.Monitoring;

/// <summary>A real Prometheus scrapes a real daemon while volumes are made, written to, cut and removed.</summary>
public sealed partial class PrometheusTests : IAsyncLifetime
{
    private readonly HttpClient _http = new();
    private LoopDisk? _disk;
    private DaemonProcess _daemon = null!;
    private string _dockerSocket = "";

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(ChildProcess.Exists("prometheus"), "Prometheus is not installed: apt-get install prometheus");
        _disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs, simpleQuotas: true);
        _dockerSocket = Path.Combine(TestScratch.NewDirectory("docker"), "lamina.sock");
        _daemon = new DaemonProcess([
            .. CsiPools.Overlay("plain", "--default", "--usageInterval=00:00:01", "--overcommit=100"), .. CsiPools.Btrfs("tree", _disk, "--quota=simple"),
            "--metrics:address=127.0.0.1:0", "--metrics:interval=00:00:01", "--docker:enabled=true", $"--docker:socket={_dockerSocket}"]);
        await _daemon.StartAsync();
        _http.BaseAddress = await _daemon.MetricsAddressAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (_daemon is not null)
            await _daemon.DisposeAsync();
        _disk?.Dispose();
    }

    [Fact]
    public async Task Dashboard_AskedOfARealPrometheus_HasDataInEveryPanel()
    {
        using var prometheus = await PrometheusServer.StartAsync(_http.BaseAddress!);
        var path = await MakeVolumesAsync();
        using var writer = await WorkloadProcess.StartProgramAsync("/bin/sh", "-c", $"cd '{path}' && echo ready && exec cat >> file");
        var expressions = await ExpressionsAsync();
        Assert.True(expressions.Count > 80, $"only {expressions.Count} expressions");

        // What only ZFS or a cluster tells is asked for all the same, so that Prometheus would refuse what is no expression.
        var ofOthers = expressions.Where(expression => OfOthers().IsMatch(expression)).ToList();
        Assert.Equal(11, ofOthers.Count);
        foreach (var expression in ofOthers)
            Assert.Empty(await prometheus.QueryAsync(expression));
        var silent = expressions.Except(ofOthers).ToList();
        for (var round = 0; round < 60 && silent.Count > 0; round++)
        {
            await WorkAsync(round);
            List<string> still = [];
            foreach (var expression in silent)
            {
                if ((await prometheus.QueryAsync(expression)).Count == 0)
                    still.Add(expression);
            }
            silent = still;
        }

        Assert.True(silent.Count == 0, $"no data for {string.Join("\n", silent)}\n{_daemon.Log}");
        Assert.Empty(_daemon.Faults());
        await CheckByPromtoolAsync();
    }

    private async Task<string> MakeVolumesAsync()
    {
        using var csi = new CsiConnection(_daemon.CsiSocket);
        foreach (var pool in (string[])["plain", "tree"])
        {
            var request = Requests.CreateVolume($"pvc-{pool}");
            request.Parameters.Add("pool", pool);
            request.Parameters.Add("csi.storage.k8s.io/pvc/name", "da\"ta");
            request.Parameters.Add("csi.storage.k8s.io/pvc/namespace", "shop");
            request.CapacityRange = new() { RequiredBytes = 64 << 20 };
            await csi.Controller.CreateVolumeAsync(request, cancellationToken: TestContext.Current.CancellationToken);
        }
        // One with a device for itself.
        await RunAsync("volume", "create", "image", "--size", "32Mi", "--fs", "ext4");
        await RunAsync("volume", "attach", "image");
        return (await RunAsync("volume", "attach", "pvc-plain")).Out.TrimEnd('\n');
    }

    // One of all that panels tell of.
    private async Task WorkAsync(int round)
    {
        await RunAsync("snapshot", "create", "pvc-plain", $"s{round}");
        if (round > 0)
            await RunAsync("snapshot", "rm", $"s{round - 1}");
        await RunAsync("volume", "create", $"v{round}", "--size", "16Mi");
        await RunAsync("volume", "rm", $"v{round}");
        await DriverClient.OkAsync(_dockerSocket, "VolumeDriver.List");
        using var csi = new CsiConnection(_daemon.CsiSocket);
        await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () => await csi.Controller.ControllerGetVolumeAsync(new() { VolumeId = "unknown" }));
        await Task.Delay(500);
    }

    private async Task<CliRun> RunAsync(params string[] arguments)
    {
        var run = await CliRun.RunAsync(CliRun.HostOf(_daemon.AdminSocket), arguments);
        Assert.True(run.ExitCode == 0, $"{string.Join(' ', arguments)}: {run.Error}");
        return run;
    }

    private static async Task<List<string>> ExpressionsAsync()
    {
        var dashboard = JsonNode.Parse(await File.ReadAllTextAsync(Repository.PathOf("deploy/monitoring/dashboard.json")))!;
        // Those of a row that is closed lie in it.
        var panels = dashboard["panels"]!.AsArray().SelectMany(panel => panel!["panels"]?.AsArray().Prepend(panel) ?? [panel])
            .SelectMany(panel => panel!["targets"]?.AsArray() ?? []).Select(target => (string)target!["expr"]!);
        var annotations = dashboard["annotations"]!["list"]!.AsArray().Select(annotation => (string)annotation!["expr"]!);
        var variables = dashboard["templating"]!["list"]!.AsArray().Select(variable => variable!["definition"]).OfType<JsonNode>()
            .Select(definition => LabelValues().Match((string)definition!).Groups[1].Value);
        return [.. panels.Concat(annotations).Concat(variables).Select(Fill)];
    }

    private static string Fill(string expression)
    {
        var filled = expression.Replace("$instance", ".*", StringComparison.Ordinal).Replace("$pool", ".*", StringComparison.Ordinal).Replace("$volume", ".*", StringComparison.Ordinal)
            .Replace("$__rate_interval", "1m", StringComparison.Ordinal).Replace("$__range", "5m", StringComparison.Ordinal);
        Assert.DoesNotContain('$', filled);
        return filled;
    }

    // What the program says must be what its document says, and nothing that Prometheus' tool would have otherwise.
    private async Task CheckByPromtoolAsync()
    {
        var scrape = await Scrape.GetAsync(_http);
        var told = scrape.Text.Split('\n').Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]).ToList();
        Assert.Equal(Lamina.Metrics.Families.All.Select(family => family.Name).Order(StringComparer.Ordinal), told.Order(StringComparer.Ordinal));
        Assert.Contains("""lamina_volume_limit_bytes{pool="plain",volume="pvc-plain",pvc="da\"ta",pvc_namespace="shop",door="csi"}""", scrape.Series.Keys);

        var start = new ProcessStartInfo("promtool", ["check", "metrics"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
#pragma warning disable RS0030 // A ChildProcess has nothing to read.
        using var promtool = Process.Start(start)!;
#pragma warning restore RS0030
        await promtool.StandardInput.WriteAsync(scrape.Text);
        promtool.StandardInput.Close();
        var said = await promtool.StandardError.ReadToEndAsync() + await promtool.StandardOutput.ReadToEndAsync();
        await promtool.WaitForExitAsync();
        Assert.True(promtool.ExitCode == 0 && said.Length == 0, said);
    }

    [GeneratedRegex("_cluster_|_orphan_volume_|_zfs_|_held_by_snapshots_|_written_since_snapshot_|_uncompressed_")]
    private static partial Regex OfOthers();

    [GeneratedRegex(@"^label_values\((.*), \w+\)$")]
    private static partial Regex LabelValues();
}
