using System.Net.Sockets;
using Lamina.Cli;
using Lamina.Storage;
using Lamina.Storage.Operations;
using Lamina.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Cli;

public sealed class FailureTests(TestDaemon daemon) : IClassFixture<TestDaemon>
{
    [Fact]
    public async Task Command_NoSocket_IsSevenAndSaysHowToStart()
    {
        var run = await CliRun.RunAsync(CliRun.HostOf("/nowhere/admin.sock"), "volume", "ls");

        Assert.Equal((7, "", "lamina: there is no daemon at /nowhere/admin.sock; start it: systemctl start lamina, or: lamina serve\n"), (run.ExitCode, run.Out, run.Error));
    }

    [Fact]
    public async Task Command_StaleSocket_IsSeven()
    {
        var path = TestScratch.NewPath("stale.sock");
        using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            socket.Bind(new UnixDomainSocketEndPoint(path));
        if (!File.Exists(path))
            await File.WriteAllTextAsync(path, "");

        var run = await CliRun.RunAsync(CliRun.HostOf(path), "volume", "ls");

        Assert.Equal(7, run.ExitCode);
        Assert.Contains("no daemon listens at", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_SomethingElseOnTheSocket_EndsWithAMessage()
    {
        var path = TestScratch.NewPath("other.sock");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        _ = Task.Run(async () =>
        {
            using var connection = await listener.AcceptAsync();
            await connection.SendAsync("220 mail.example\r\n"u8.ToArray());
        });

        var run = await CliRun.RunAsync(CliRun.HostOf(path), "volume", "ls", "--timeout", "10s");

        Assert.NotEqual(0, run.ExitCode);
        Assert.StartsWith("lamina: the ", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_UnknownToAnOlderDaemon_SaysThatTheVersionsDiffer()
    {
        await using var fake = await FakeDaemon.StartOfSnapshotsAsync();

        var run = await CliRun.RunAsync(CliRun.HostOf(fake.Socket), "volume", "ls");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("it is of another version", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_NotRootAndNoSocket_SaysSudo()
    {
        var run = await CliRun.RunAsync(CliRun.HostOf("/nowhere/admin.sock") with { IsRoot = false }, "volume", "ls");

        Assert.Equal(9, run.ExitCode);
        Assert.Contains("run as root: sudo lamina", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_ObjectIsLocked_IsEightAfterTheTimeout()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "locked");
        using var held = await daemon.Services.GetRequiredService<KeyedLocks>().AcquireAsync([LockKey.Volume(ObjectKey.FromName("locked"))], CancellationToken.None);

        var run = await CliRun.RunAsync(daemon, "volume", "rm", "locked", "--timeout", "200ms");

        Assert.Equal(8, run.ExitCode);
        Assert.StartsWith("lamina: ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_Interrupted_Is130()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "waited-for");
        using var held = await daemon.Services.GetRequiredService<KeyedLocks>().AcquireAsync([LockKey.Volume(ObjectKey.FromName("waited-for"))], CancellationToken.None);
        using var interrupt = new CancellationTokenSource(200);
        var host = CliRun.HostOf(daemon.AdminSocket);

        Assert.Equal(130, await LaminaCommand.RunAsync(["volume", "rm", "waited-for"], host, interrupt.Token));
        Assert.StartsWith("lamina: interrupted", host.Error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("say what to do: lamina volume and one of create, ls, inspect, rm, resize, modify, clone, attach, detach", "volume")]
    [InlineData("there is no command 'lamina volume cretae'", "volume", "cretae")]
    [InlineData("there is no command 'lamina frobnicate'; there are serve, pool, volume, snapshot, top, doctor, completion, version", "frobnicate")]
    [InlineData("required argument", "volume", "inspect")]
    [InlineData("there is no option 'lamina --frobnicate'", "--frobnicate")]
    [InlineData("'yaml' not recognized. Must be one of: 'table' 'json'\n", "volume", "ls", "-o", "yaml")]
    [InlineData("is not a duration", "volume", "ls", "--timeout", "never")]
    [InlineData("is not a duration", "volume", "ls", "--timeout", "0")]
    public async Task CommandLine_Wrong_IsTwoAndPointsToTheHelp(string message, params string[] arguments)
    {
        var run = await CliRun.RunAsync(daemon, arguments);

        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.StartsWith("lamina: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.Contains("--help\n", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_OfTheRoot_ListsCommandsAndExitCodes()
    {
        var run = await CliRun.RunAsync(daemon, "--help");

        Assert.Equal(0, run.ExitCode);
        Assert.All(Enum.GetValues<ExitCode>(), code => Assert.Matches($@"(?m)^ +{(int)code}  \S", run.Out));
        Assert.Equal(run.Out, (await CliRun.RunAsync(daemon)).Out);
        Assert.DoesNotContain("Exit codes", (await CliRun.RunAsync(daemon, "volume", "create", "-h")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public void ExitCodes_OfEveryError_AreNotSuccess() =>
        Assert.All(Enum.GetValues<StorageError>(), error => Assert.NotEqual(ExitCode.Success, ExitCodes.Of(error)));
}
