using System.Net.Sockets;
using Lamina.Hosting;
using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Cli;
using Lamina.Tests.Csi;
using Wire = Csi.V1;

namespace Lamina.Tests.Hosting;

/// <summary>The sockets of the real program, and its orderly end.</summary>
public sealed class SocketTests
{
    [Fact]
    public async Task Sockets_OfADaemon_AreRootsAloneAndGoWithIt()
    {
        await using var daemon = new DaemonProcess();
        await daemon.StartAsync();
        foreach (var socket in (string[])[daemon.CsiSocket, daemon.AdminSocket])
        {
            var status = Files.Stat(socket);
            Assert.Equal((FileKind.Socket, 0x180u /* 0600 */), (status.Kind, status.Mode & 0xfffu));
        }

        Assert.Equal(0, await daemon.StopAsync());

        Assert.False(File.Exists(daemon.CsiSocket) || File.Exists(daemon.AdminSocket));
        Assert.Empty(daemon.Faults());
    }

    [Fact]
    public async Task Sockets_OfADaemonThatWasKilled_AreReplaced()
    {
        await using var daemon = new DaemonProcess();
        await daemon.StartAsync();
        daemon.Kill();
        using (var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            Assert.Equal(SocketError.ConnectionRefused, Assert.Throws<SocketException>(() => probe.Connect(new UnixDomainSocketEndPoint(daemon.CsiSocket))).SocketErrorCode);

        await daemon.StartAsync();

        Assert.Equal(0, (await CliRun.RunAsync(CliRun.HostOf(daemon.AdminSocket), "pool", "ls")).ExitCode);
    }

    // As /var/run is another name of /run: it is one directory, and we are not in our own way.
    [Fact]
    public void Places_InOneDirectoryByTwoNames_AreOurs()
    {
        var directory = TestScratch.NewDirectory("sockets");
        var link = TestScratch.NewPath("link");
        File.CreateSymbolicLink(link, directory);

        using var places = SocketPlaces.Take($"{link}/csi.sock", $"{directory}/admin.sock");

        Assert.Throws<IOException>(() => SocketPlaces.Take($"{directory}/other.sock"));
    }

    [Theory]
    [InlineData("csi")]
    [InlineData("admin")]
    public async Task Socket_WhereSomethingElseLies_IsRefusedAndThatStays(string door)
    {
        await using var daemon = new DaemonProcess();
        var path = door == "csi" ? daemon.CsiSocket : daemon.AdminSocket;
        Directory.CreateDirectory(daemon.RuntimeDirectory);
        await File.WriteAllTextAsync(path, "precious", TestContext.Current.CancellationToken);

        daemon.Launch();

        Assert.Equal(1, await daemon.EndAsync());
        Assert.Equal($"lamina: {path} is not a socket; it stays. Choose another place for the socket\n", daemon.Log);
        Assert.Equal("precious", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        Assert.False(Directory.Exists(Path.Combine(daemon.RuntimeDirectory, "holders")));
    }

    [Theory]
    [InlineData(SocketType.Stream)]
    [InlineData(SocketType.Dgram)]
    public async Task Socket_ThatSomebodyLives_IsNeverTaken(SocketType type)
    {
        await using var daemon = new DaemonProcess();
        Directory.CreateDirectory(daemon.RuntimeDirectory);
        using var other = new Socket(AddressFamily.Unix, type, ProtocolType.Unspecified);
        other.Bind(new UnixDomainSocketEndPoint(daemon.CsiSocket));
        if (type == SocketType.Stream)
            other.Listen();
        var before = Files.Stat(daemon.CsiSocket).Inode;

        daemon.Launch();

        Assert.Equal(1, await daemon.EndAsync());
        Assert.Equal($"lamina: another daemon listens on {daemon.CsiSocket}; stop it first, or choose another socket\n", daemon.Log);
        Assert.Equal(before, Files.Stat(daemon.CsiSocket).Inode);
    }

    [Fact]
    public async Task Stop_WhileAnOperationRuns_LetsItFinishAndKeepsTheMounts()
    {
        await using var daemon = await CsiDaemon.StartAsync();
        var volume = await daemon.CreateAsync();
        var target = await daemon.PublishAsync(volume.VolumeId, await daemon.StageAsync(volume.VolumeId));
        await File.WriteAllTextAsync(Path.Combine(target, "file"), "content", TestContext.Current.CancellationToken);
        var name = CsiDaemon.NewName();
        var held = await daemon.LockAsync(Storage.Operations.LockKey.Volume(Storage.ObjectKey.FromName(name)));
        var create = daemon.CreateAsync(name);
        // On one connection calls begin in turn: when this one is answered, the other is being worked on.
        await daemon.Identity.ProbeAsync(new());

        var socket = daemon.Daemon.CsiSocket;
        var stop = daemon.Daemon.StopAsync();
        await Eventually.TrueAsync(() => !File.Exists(socket), "nobody new is let in");
        Assert.False(create.IsCompleted || stop.IsCompleted);
        held.Dispose();

        Wire.Volume made = await create;
        await stop;
        Assert.Equal("content", await File.ReadAllTextAsync(Path.Combine(target, "file"), TestContext.Current.CancellationToken));
        await daemon.RestartAsync();
        Assert.Equal(made.VolumeId, (await daemon.CreateAsync(name)).VolumeId);
    }
}
