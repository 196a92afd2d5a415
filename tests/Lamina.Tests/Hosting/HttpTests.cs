using System.Net;
using System.Net.Sockets;
using Lamina.Testing;
using Lamina.Tests.Cli;
using Lamina.Tests.Csi;
using Lamina.Tests.Monitoring;
using Grpc.Core;
using Grpc.Net.Client;
using Wire = Csi.V1;

namespace Lamina.Tests.Hosting;

/// <summary>Metrics and health over HTTP, of the real program.</summary>
public sealed class HttpTests() : ScrapedDaemon([.. CsiPools.Overlay("plain", "--default"), .. CsiPools.Overlay("other")])
{
    [Fact]
    public async Task Metrics_OfADaemonWithPools_HaveEachPoolsFigures()
    {
        Assert.Equal(0, (await CliRun.RunAsync(CliRun.HostOf(Daemon.AdminSocket), "volume", "create", "v", "--size", "10Mi")).ExitCode);

        var metrics = await MetricsAsync(Http, "plain", "other");

        foreach (var pool in (string[])["plain", "other"])
        {
            Assert.Equal(1, metrics[$$"""lamina_pool_loaded{pool="{{pool}}"}"""]);
            Assert.Equal(0, metrics[$$"""lamina_pool_unreadable_records{pool="{{pool}}"}"""]);
            Assert.Equal(0, metrics[$$"""lamina_pool_problems{pool="{{pool}}"}"""]);
            Assert.Contains($$"""lamina_pool_hard_limits{pool="{{pool}}"}""", metrics.Keys);
            Assert.Equal(new DriveInfo(TestScratch.Root).TotalSize, metrics[$$"""lamina_pool_size_bytes{pool="{{pool}}"}"""]);
            Assert.InRange(metrics[$$"""lamina_pool_available_bytes{pool="{{pool}}"}"""], 1, new DriveInfo(TestScratch.Root).TotalSize);
        }
        Assert.Equal(10 << 20, metrics["""lamina_pool_promised_bytes{pool="plain"}"""]);
        Assert.Equal(0, metrics["""lamina_pool_promised_bytes{pool="other"}"""]);
        Assert.Equal(1, metrics["lamina_volumes"]);
        Assert.Equal(0, metrics["lamina_snapshots"]);
        Assert.Contains(metrics.Keys, key => key.StartsWith("csi_plugin_operations_seconds_count{", StringComparison.Ordinal) && key.Contains("/csi.v1.Identity/Probe", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Health_OfAHealthyDaemon_IsOk()
    {
        foreach (var path in (string[])["/healthz", "/readyz"])
            Assert.Equal((HttpStatusCode.OK, "ok\n"), await GetAsync(Http, path));
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(Http, "/")).Status);
    }

    [Fact]
    public async Task Listeners_ForTheEndpointsOfOthers_AnswerNotFound()
    {
        using (var grpc = GrpcChannel.ForAddress(Http.BaseAddress!))
        {
            // Spoken as HTTP/1.1 this port refuses gRPC altogether, so it is asked for by hand besides.
            await Assert.ThrowsAsync<RpcException>(async () => await new Wire.Identity.IdentityClient(grpc).ProbeAsync(new()));
        }
        foreach (var method in (string[])["/csi.v1.Identity/Probe", "/csi.v1.Controller/DeleteVolume", "/lamina.v1.Volumes/Delete", "/lamina.v1.Pools/List"])
        {
            using var content = new ByteArrayContent([0, 0, 0, 0, 0]);
            content.Headers.ContentType = new("application/grpc");
            using var answer = await Http.PostAsync(method, content, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }
        foreach (var socket in (string[])[Daemon.CsiSocket, Daemon.AdminSocket])
        {
            using var client = ClientOf(socket);
            foreach (var path in (string[])["/metrics", "/healthz", "/readyz"])
                Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(client, path)).Status);
        }
    }

    [Fact]
    public async Task Listener_OnLoopback_IsNotReachedAtOtherAddresses()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var error = await Assert.ThrowsAsync<SocketException>(async () => await socket.ConnectAsync(IPAddress.Parse("127.0.0.2"), Http.BaseAddress!.Port, TestContext.Current.CancellationToken));
        Assert.Equal(SocketError.ConnectionRefused, error.SocketErrorCode);
    }

    [Fact]
    public async Task Start_OnAPortThatIsTaken_IsRefusedWithTheKey()
    {
        await using var second = new DaemonProcess($"--metrics:address={Http.BaseAddress!.Authority}");
        second.Launch();

        Assert.Equal(1, await second.EndAsync());
        var line = Assert.Single(second.Log.TrimEnd('\n').Split('\n'), line => line.StartsWith("lamina: ", StringComparison.Ordinal));
        Assert.Equal($"lamina: metrics:address is '{Http.BaseAddress.Authority}', where nobody can listen now: Address already in use; choose another one, or none", line);
        Assert.DoesNotContain("   at ", second.Log, StringComparison.Ordinal);
        Assert.False(File.Exists(second.CsiSocket) || File.Exists(second.AdminSocket));
    }

    [Fact]
    public async Task Ready_WhilePoolsAreReadAndWhileOneIsMissing_IsRefusedWithTheReason()
    {
        await using var slow = await SlowPool.MakeAsync();
        await using var daemon = new DaemonProcess([.. slow.Arguments, "--pools:gone:backend=overlay2", "--pools:gone:path=/nowhere/pool", "--metrics:address=127.0.0.1:0"]);
        daemon.Launch();
        try
        {
            using var early = new HttpClient { BaseAddress = await daemon.MetricsAddressAsync() };
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "the pools are still being read\n"), await GetAsync(early, "/readyz"));
            Assert.Equal(HttpStatusCode.OK, (await GetAsync(early, "/healthz")).Status);
        }
        finally
        {
            // Nobody can be killed who waits for a frozen disk.
            slow.Release();
        }
        await daemon.ReadyAsync(daemon.CsiSocket);

        using var http = new HttpClient { BaseAddress = await daemon.MetricsAddressAsync() };
        var (status, reason) = await GetAsync(http, "/readyz");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.StartsWith("pool 'gone': ", reason, StringComparison.Ordinal);
        Assert.DoesNotContain("slow", reason, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(http, "/healthz")).Status);
        var metrics = await MetricsAsync(http, "slow");
        Assert.Equal(0, metrics["""lamina_pool_loaded{pool="gone"}"""]);
        Assert.Equal(1, metrics["""lamina_pool_loaded{pool="slow"}"""]);
        Assert.DoesNotContain("""lamina_pool_size_bytes{pool="gone"}""", metrics.Keys);
    }

    private static async Task<(HttpStatusCode Status, string Text)> GetAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    // Pools are looked at in the background.
    private static async Task<Dictionary<string, double>> MetricsAsync(HttpClient client, params string[] pools) =>
        (await Scrape.GetWhenAsync(client, scrape => pools.All(pool => scrape.Has($$"""lamina_pool_size_bytes{pool="{{pool}}"}""")), "the pools are looked at")).Series;

    private static HttpClient ClientOf(string path) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://localhost"),
        DefaultRequestVersion = HttpVersion.Version20,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };
}
