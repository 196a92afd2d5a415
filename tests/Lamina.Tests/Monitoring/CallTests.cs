using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Grpc.Core;
using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Cli;
using Lamina.Tests.Csi;
using Lamina.Tests.Docker;

namespace Lamina.Tests.Monitoring;

/// <summary>A call can be followed: through the log, into commands that are run for it, and as a trace.</summary>
public sealed partial class CallTests
{
    [Fact]
    public async Task Log_InJson_HasALineForEachEventWithTheCallsId()
    {
        await using var daemon = new DaemonProcess([.. CsiPools.Overlay("plain", "--default"), "--logging:format=json"]);
        await daemon.StartAsync();

        await CreateAsync(daemon);

        var lines = daemon.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!).ToList();
        var answered = Assert.Single(lines, line => (string?)line["State"]?["Method"] == "CreateVolume");
        Assert.Equal("OK", (string?)answered["State"]!["Code"]);
        Assert.Equal("name=v", (string?)answered["State"]!["Objects"]);
        var made = Assert.Single(lines, line => ((string?)line["Message"])!.EndsWith(".v is made, size 1Mi, from (null)", StringComparison.Ordinal));
        Assert.Matches("^[0-9a-f]{16}$", CallOf(answered));
        Assert.Equal(CallOf(answered), CallOf(made));
    }

    [Fact]
    public async Task Log_AsText_HasTheCallsIdInEveryLineOfIt()
    {
        await using var daemon = new DaemonProcess(CsiPools.Overlay("plain", "--default"));
        await daemon.StartAsync();

        await CreateAsync(daemon);

        var ids = CallInText().Matches(daemon.Log).Select(match => match.Groups[1].Value).ToList();
        Assert.Equal(2, ids.Count);
        Assert.Single(ids.Distinct());
        Assert.DoesNotContain("ConnectionId", daemon.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "0af7651916cd43dd8448eb211c80319c")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", null)]
    [InlineData("not a trace", null)]
    public async Task Log_OfACallWithATrace_HasTheTracesId(string traceParent, string? id)
    {
        await using var daemon = new DaemonProcess(CsiPools.Overlay("plain", "--default"));
        await daemon.StartAsync();

        await CreateAsync(daemon, new() { { "traceparent", traceParent } });

        var logged = CallInText().Match(daemon.Log).Groups[1].Value;
        Assert.Matches(id ?? "^[0-9a-f]{16}$", logged);
    }

    [Fact]
    public async Task Log_OfEveryDoor_HasOneLineForACallWithTheIdOfWhatWasDoneForIt()
    {
        var docker = Path.Combine(TestScratch.NewDirectory("docker"), "lamina.sock");
        await using var daemon = new DaemonProcess([.. CsiPools.Overlay("plain", "--default"), "--docker:enabled=true", $"--docker:socket={docker}", "--logging:format=json"]);
        await daemon.StartAsync();

        await DriverClient.OkAsync(docker, "VolumeDriver.Create", """{"Name": "engine"}""");
        Assert.Equal(0, (await CliRun.RunAsync(CliRun.HostOf(daemon.AdminSocket), "volume", "create", "person")).ExitCode);
        await daemon.LogsAsync("name=person");

        var lines = daemon.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!).ToList();
        foreach (var (method, volume) in (ReadOnlySpan<(string, string)>)[("VolumeDriver.Create", "engine"), ("/lamina.v1.Volumes/Create", "person")])
        {
            var answered = Assert.Single(lines, line => (string?)line["State"]?["Method"] == method);
            var made = Assert.Single(lines, line => ((string?)line["Message"])!.Contains($".{volume} is made", StringComparison.Ordinal));
            Assert.Equal(CallOf(answered), CallOf(made));
            Assert.Contains(volume, (string?)answered["Message"], StringComparison.Ordinal);
        }
    }

    // Neither the call that deletes, which is answered by then, nor the one that happened to load the pool.
    [Fact]
    public async Task Log_OfWorkBehindTheScenes_HasAnIdOfItsOwn()
    {
        await using var daemon = new DaemonProcess(CsiPools.Overlay("plain", "--default"));
        await daemon.StartAsync();
        string[][] commands =
        [
            ["pool", "init", "late", "--backend", "overlay2", "--path", TestScratch.NewDirectory("late")],
            ["volume", "create", "v", "--pool", "late"],
            ["volume", "rm", "v"],
        ];
        foreach (var command in commands)
        {
            var run = await CliRun.RunAsync(CliRun.HostOf(daemon.AdminSocket), command);
            Assert.True(run.ExitCode == 0, run.Error);
        }
        await daemon.LogsAsync("are gone from the trash");

        var lines = daemon.Log.Split('\n');
        var emptied = AnyCall().Match(lines.First(line => line.Contains("Pool late: ", StringComparison.Ordinal) && line.Contains("are gone from the trash", StringComparison.Ordinal))).Groups[1].Value;
        Assert.Matches("^[0-9a-f]{16}$", emptied);
        Assert.Single(lines, line => line.Contains(emptied, StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("Pool late is made", StringComparison.Ordinal) && AnyCall().IsMatch(line));
    }

    [Fact]
    public async Task Log_OfAnUnknownFormat_IsRefused()
    {
        await using var daemon = new DaemonProcess("--logging:format=xml");
        daemon.Launch();

        Assert.Equal(2, await daemon.EndAsync());
        Assert.Contains("logging:format is 'xml'; it is text or json", daemon.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commands_RunForACall_KnowItsId()
    {
        Correlation.Current = "0123456789abcdef";
        var known = await ChildProcess.RunAsync("env", [], TestContext.Current.CancellationToken);
        Correlation.Current = null;
        var unknown = await ChildProcess.RunAsync("env", [], TestContext.Current.CancellationToken);

        Assert.Contains("LAMINA_CALL=0123456789abcdef\n", known.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("LAMINA_CALL", unknown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Traces_WhereACollectorIsNamed_HaveTheCallAndItsSteps()
    {
        using var collector = new Collector();
        await using var daemon = new DaemonProcess(CsiPools.Overlay("plain", "--default"));
        daemon.Launch(new("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address), new("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), new("OTEL_BSP_SCHEDULE_DELAY", "100"));
        await daemon.ReadyAsync(daemon.CsiSocket);

        await CreateAsync(daemon);

        var call = CallInText().Match(daemon.Log).Groups[1].Value;
        await Eventually.TrueAsync(() => collector.Has("/csi.v1.Controller/CreateVolume"u8) && collector.Has("create_volume"u8), "the spans come");
        // The id in the log is that of the trace.
        Assert.Equal(32, call.Length);
        Assert.True(collector.Has(Convert.FromHexString(call)));
        Assert.Empty(daemon.Faults());
    }

    private static async Task CreateAsync(DaemonProcess daemon, Metadata? headers = null)
    {
        using var csi = new CsiConnection(daemon.CsiSocket);
        var request = Requests.CreateVolume("v");
        request.CapacityRange = new() { RequiredBytes = 1 << 20 };
        await csi.Controller.CreateVolumeAsync(request, headers, cancellationToken: TestContext.Current.CancellationToken);
        await daemon.LogsAsync("name=v");
    }

    private static string CallOf(JsonNode line) => line["Scopes"]!.AsArray().Select(scope => (string?)scope!["Call"]).OfType<string>().Single();

    [GeneratedRegex(@"=> call ([0-9a-f]+) (?:Volume \S+\.v is made|CreateVolume OK)")]
    private static partial Regex CallInText();

    [GeneratedRegex("=> call ([0-9a-f]+) ")]
    private static partial Regex AnyCall();

    /// <summary>Takes what is sent by OTLP.</summary>
    private sealed class Collector : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly List<byte[]> _bodies = [];

        internal Collector()
        {
            for (var port = 20000 + Environment.ProcessId % 10000; ; port++)
            {
                try
                {
                    Address = $"http://127.0.0.1:{port}";
                    _listener.Prefixes.Clear();
                    _listener.Prefixes.Add(Address + "/");
                    _listener.Start();
                    break;
                }
                catch (HttpListenerException)
                {
                    // Somebody else has it.
                }
            }
            _ = TakeAsync();
        }

        internal string Address { get; }

        internal bool Has(ReadOnlySpan<byte> part)
        {
            lock (_bodies)
            {
                foreach (var body in _bodies)
                {
                    if (body.AsSpan().IndexOf(part) >= 0)
                        return true;
                }
                return false;
            }
        }

        public void Dispose() => _listener.Close();

        private async Task TakeAsync()
        {
            try
            {
                while (true)
                {
                    var context = await _listener.GetContextAsync();
                    using var body = new MemoryStream();
                    await context.Request.InputStream.CopyToAsync(body);
                    lock (_bodies)
                        _bodies.Add(body.ToArray());
                    context.Response.Close();
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // Closed.
            }
        }
    }
}
