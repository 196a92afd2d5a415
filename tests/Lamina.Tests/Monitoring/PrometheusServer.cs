using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lamina.Testing;

namespace Lamina.Tests.Monitoring;

/// <summary>Debian's Prometheus on loopback, with storage of its own, that scrapes one daemon every second.</summary>
internal sealed partial class PrometheusServer : IDisposable
{
    private readonly string _root = TestScratch.NewDirectory("prometheus");
    private readonly Process _process;
    private readonly HttpClient _http = new();

    private PrometheusServer(Uri target)
    {
        File.WriteAllText($"{_root}/prometheus.yml", $$"""
            global: {scrape_interval: 1s, evaluation_interval: 1s}
            rule_files: ["{{Repository.PathOf("deploy/monitoring/alerts.yaml")}}"]
            scrape_configs: [{job_name: lamina, static_configs: [{targets: ["{{target.Authority}}"]}]}]
            """);
        string[] arguments =
        [
            "-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1", "sh", $"{_root}/log",
            "prometheus", $"--config.file={_root}/prometheus.yml", $"--storage.tsdb.path={_root}/data", "--web.listen-address=127.0.0.1:0",
        ];
#pragma warning disable RS0030 // A ChildProcess is waited for; this one serves until the end of the test.
        _process = Process.Start(new ProcessStartInfo("/bin/sh", arguments) { WorkingDirectory = "/" })!;
#pragma warning restore RS0030
    }

    private string Log => File.Exists($"{_root}/log") ? File.ReadAllText($"{_root}/log") : "";

    /// <summary>Starts one.</summary>
    /// <param name="target">Where the daemon's metrics are.</param>
    internal static async Task<PrometheusServer> StartAsync(Uri target)
    {
        var server = new PrometheusServer(target);
        try
        {
            await Eventually.TrueAsync(() => ListeningAt().IsMatch(server.Log) || server._process.HasExited, "Prometheus says where it listens");
            Assert.False(server._process.HasExited, server.Log);
            server._http.BaseAddress = new Uri($"http://{ListeningAt().Match(server.Log).Groups[1].Value}");
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>What an expression gives now.</summary>
    internal async Task<JsonArray> QueryAsync(string expression)
    {
        using var answer = await _http.GetAsync(new Uri($"/api/v1/query?query={Uri.EscapeDataString(expression)}", UriKind.Relative), TestContext.Current.CancellationToken);
        var json = JsonNode.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        Assert.True((string?)json["status"] == "success", $"{expression}: {json}");
        return json["data"]!["result"]!.AsArray();
    }

    public void Dispose()
    {
        _http.Dispose();
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    [GeneratedRegex(@"Listening on""? address=(127\.0\.0\.1:[1-9]\d*)")]
    private static partial Regex ListeningAt();
}
