using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Grpc.Core;
using Lamina.Linux;
using Lamina.Storage;
using Lamina.Testing;
using Lamina.Tests.Cli;
using Lamina.Tests.Csi;
using Lamina.Tests.Docker;

namespace Lamina.Tests.Monitoring;

/// <summary>The spans of calls, as part of the trace that their caller has begun.</summary>
public sealed class TraceTests(BtrfsFileSystem fileSystem) : IClassFixture<BtrfsFileSystem>
{
    private const string CallersSpan = "b7ad6b7169203331";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AttachAndDetach_OfACallerWithATrace_AreInItWithTheirSteps(bool isOverlay)
    {
        await using var daemon = await TestDaemon.StartAsync(isOverlay ? CsiPools.Overlay("p", "--default") : CsiPools.Btrfs("p", fileSystem.Disk, "--default"));
        using var trace = new Recording();
        using var channel = UnixChannel.To(daemon.AdminSocket);
        var volumes = new V1.Volumes.VolumesClient(channel);
        await volumes.CreateAsync(new() { Name = "v" });

        await volumes.AttachAsync(new() { Volume = "v", Reference = "test" }, trace.Headers);
        await volumes.DetachAsync(new() { Volume = "v", Reference = "test" }, trace.Headers);

        var attach = trace.Single("/lamina.v1.Volumes/Attach");
        Assert.Equal(CallersSpan, attach.ParentSpanId.ToHexString());
        Assert.Equal(ActivityKind.Server, attach.Kind);
        Assert.Equal("OK", attach.GetTagItem("lamina.outcome"));
        foreach (var step in (string[])["wait_for_locks", "attach_volume", "mount_volume"])
            Assert.Equal(attach.SpanId, trace.Single(step, of: attach).ParentSpanId);
        Assert.Equal("p", trace.Single("attach_volume").GetTagItem("lamina.pool"));
        if (isOverlay)
            Assert.Equal(trace.Single("attach_volume").SpanId, trace.Single("probe_in_use").ParentSpanId);
        var detach = trace.Single("/lamina.v1.Volumes/Detach");
        foreach (var step in (string[])["wait_for_locks", "unmount_volume", "settle_detached"])
            Assert.Equal(detach.SpanId, trace.Single(step, of: detach).ParentSpanId);
    }

    [Fact]
    public async Task Snapshot_OfAVolumeInUse_HasTheStepsOfItsCutAndItsFlushes()
    {
        await using var daemon = await TestDaemon.StartAsync(CsiPools.Btrfs("p", fileSystem.Disk, "--default"));
        using var trace = new Recording();
        using var channel = UnixChannel.To(daemon.AdminSocket);
        await new V1.Volumes.VolumesClient(channel).CreateAsync(new() { Name = "v" });
        await new V1.Volumes.VolumesClient(channel).AttachAsync(new() { Volume = "v", Reference = "test" });

        await new V1.Snapshots.SnapshotsClient(channel).CreateAsync(new() { Volume = "v", Name = "s" }, trace.Headers);

        foreach (var step in (string[])["begin_snapshot", "prepare_cut", "cut", "finish_cut", "publish_snapshot"])
            trace.Single(step);
        Assert.Contains(trace.Spans, span => span.OperationName == "syncfs" && span.ParentSpanId == trace.Single("prepare_cut").SpanId);
    }

    [Fact]
    public async Task Commands_OfACallerWithATrace_AreInItWithTheirExitCode()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using var trace = new Recording();
        using var channel = UnixChannel.To(daemon.AdminSocket);

        await new V1.Volumes.VolumesClient(channel).CreateAsync(new() { Name = "v", SizeBytes = 32 << 20, FileSystem = "ext4" }, trace.Headers);

        var command = trace.Spans.First(span => span.OperationName == "run mkfs.ext4");
        Assert.Equal(trace.Single("create_volume").SpanId, command.ParentSpanId);
        Assert.Equal(0, command.GetTagItem("process.exit.code"));
    }

    [Fact]
    public async Task Failure_OfAStep_IsSaidInItsSpan()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using var trace = new Recording();
        using var channel = UnixChannel.To(daemon.AdminSocket);

        await Refused.AsAsync(StatusCode.NotFound, new V1.Volumes.VolumesClient(channel).AttachAsync(new() { Volume = "none", Reference = "test" }, trace.Headers));

        var call = trace.Single("/lamina.v1.Volumes/Attach");
        Assert.Equal((ActivityStatusCode.Error, "NotFound"), (call.Status, call.GetTagItem("lamina.outcome")));
    }

    [Fact]
    public async Task CommandLine_WithATraceInItsEnvironment_HandsItOn()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using var trace = new Recording();
        var host = CliRun.HostOf(daemon.AdminSocket);

        var run = await CliRun.RunAsync(host with { Environment = name => name == "TRACEPARENT" ? trace.TraceParent : host.Environment(name) }, "volume", "create", "v");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(CallersSpan, trace.Single("/lamina.v1.Volumes/Create").ParentSpanId.ToHexString());
        Assert.Equal(0, (await CliRun.RunAsync(host with { Environment = name => name == "TRACEPARENT" ? "nonsense\n" : host.Environment(name) }, "volume", "ls")).ExitCode);
    }

    [Fact]
    public async Task CsiAndDocker_OfCallersWithTraces_AreInThem()
    {
        var socket = Path.Combine(TestScratch.NewDirectory("docker"), "lamina.sock");
        await using var daemon = await TestDaemon.StartAsync("--docker:enabled=true", $"--docker:socket={socket}");
        using var trace = new Recording();
        using var csi = new CsiConnection(daemon.CsiSocket);

        await csi.Controller.CreateVolumeAsync(Requests.CreateVolume("c"), trace.Headers);
        var body = """{"Name": "d"}""";
        var (status, _) = await DriverClient.SendAsync(socket, string.Create(
            CultureInfo.InvariantCulture, $"POST /VolumeDriver.Create HTTP/1.1\r\nHost: \r\ntraceparent: {trace.TraceParent}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"));

        Assert.Equal(System.Net.HttpStatusCode.OK, status);
        foreach (var method in (string[])["/csi.v1.Controller/CreateVolume", "VolumeDriver.Create"])
        {
            var call = trace.Single(method);
            Assert.Equal(CallersSpan, call.ParentSpanId.ToHexString());
            trace.Single("create_volume", of: call);
        }
    }

    /// <summary>The spans of one trace, which the caller is to have begun.</summary>
    private sealed class Recording : IDisposable
    {
        private readonly ActivityTraceId _trace = ActivityTraceId.CreateRandom();
        private readonly ConcurrentQueue<Activity> _ended = [];
        private readonly ActivityListener _listener;

        internal Recording()
        {
            // Other tests have daemons too, and their spans are none of ours.
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name is StorageTrace.SourceName or LinuxTrace.SourceName,
                Sample = (ref ActivityCreationOptions<ActivityContext> options) => options.TraceId == _trace ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
                ActivityStopped = span =>
                {
                    if (span.TraceId == _trace)
                        _ended.Enqueue(span);
                },
            };
            ActivitySource.AddActivityListener(_listener);
        }

        internal string TraceParent => $"00-{_trace.ToHexString()}-{CallersSpan}-01";

        internal Metadata Headers => new() { { "traceparent", TraceParent } };

        internal IReadOnlyCollection<Activity> Spans => _ended;

        internal Activity Single(string name, Activity? of = null) =>
            Assert.Single(_ended, span => span.OperationName == name && (of is null || span.ParentSpanId == of.SpanId));

        public void Dispose() => _listener.Dispose();
    }
}
