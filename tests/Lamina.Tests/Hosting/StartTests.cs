using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Lamina.Testing;

namespace Lamina.Tests.Hosting;

/// <summary>Starts of the real program: when it says that it is ready, and that there is only one on a runtime directory.</summary>
public sealed class StartTests
{
    [Fact]
    public async Task Serve_UnderAnInitSystem_IsReadyWhenThePoolsWereRead()
    {
        await using var pool = await SlowPool.MakeAsync();
        await using var daemon = new DaemonProcess(pool.Arguments);
        var path = Path.Combine(daemon.Root, "notify");
        using var notify = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        notify.Bind(new UnixDomainSocketEndPoint(path));

        daemon.Launch(new KeyValuePair<string, string?>("NOTIFY_SOCKET", path));
        try
        {
            await Eventually.TrueAsync(() => daemon.Log.Contains("Listening", StringComparison.Ordinal), "the doors are open");
            Assert.Equal(0, notify.Available);
            Assert.DoesNotContain("is ready", daemon.Log, StringComparison.Ordinal);
        }
        finally
        {
            // Nobody can be killed who waits for a frozen disk.
            pool.Release();
        }

        var buffer = new byte[256];
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var length = await notify.ReceiveAsync(buffer, limit.Token);
        Assert.Equal("READY=1", Encoding.UTF8.GetString(buffer, 0, length));
        await Eventually.TrueAsync(() => daemon.Log.Contains("Lamina is ready", StringComparison.Ordinal), "the log says so too");
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact]
    public async Task Serve_OnTheRuntimeDirectoryOfALiveDaemon_IsRefusedWithItsNumberAndTouchesNothing()
    {
        await using var first = new DaemonProcess();
        await first.StartAsync();
        var unfinished = Path.Combine(first.RuntimeDirectory, "holders", "half.new");
        await File.WriteAllTextAsync(unfinished, "somebody writes this at this moment", TestContext.Current.CancellationToken);

        await using var second = new DaemonProcess($"--runtimeDirectory={first.RuntimeDirectory}");
        second.Launch();

        Assert.Equal(1, await second.EndAsync());
        Assert.Equal(
            string.Create(CultureInfo.InvariantCulture, $"lamina: another daemon (process {first.Pid}) uses the runtime directory {first.RuntimeDirectory}; stop it first, or give this one another: --runtimeDirectory=...\n"),
            second.Log);
        Assert.True(File.Exists(unfinished));
        Assert.Equal(["log"], Directory.EnumerateFileSystemEntries(second.Root).Select(Path.GetFileName));
        File.Delete(unfinished);
        Assert.Equal(0, await first.StopAsync());
    }

    [Fact]
    public async Task Serve_AfterADaemonThatWasKilled_HasTheRuntimeDirectory()
    {
        await using var daemon = new DaemonProcess();
        await daemon.StartAsync();
        daemon.Kill();
        Assert.True(File.Exists(daemon.CsiSocket));

        await daemon.StartAsync();

        Assert.Equal(0, await daemon.StopAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Serve_ManyAtOnceOverStaleSockets_OneServesAndTheOthersAreRefused(bool sameRuntimeDirectory)
    {
        await using var dead = new DaemonProcess();
        await dead.StartAsync();
        dead.Kill();
        var rivals = Enumerable.Range(0, 4).Select(_ => new DaemonProcess(
        [
            $"--csi:endpoint=unix://{dead.CsiSocket}", $"--admin:socket={dead.AdminSocket}", .. sameRuntimeDirectory ? [$"--runtimeDirectory={dead.RuntimeDirectory}"] : Array.Empty<string>(),
        ])).ToList();
        try
        {
            foreach (var rival in rivals)
                rival.Launch();
            await Eventually.TrueAsync(() => rivals.Count(rival => rival.HasExited) == 3, "all but one are refused");
            var winner = Assert.Single(rivals, rival => !rival.HasExited);
            await winner.ReadyAsync(dead.CsiSocket);
            foreach (var loser in rivals.Where(rival => rival != winner))
            {
                Assert.Equal(1, await loser.EndAsync());
                Assert.StartsWith("lamina: another daemon ", loser.Log, StringComparison.Ordinal);
            }
            Assert.Equal(0, await winner.StopAsync());
        }
        finally
        {
            foreach (var rival in rivals)
                await rival.DisposeAsync();
        }
    }
}
