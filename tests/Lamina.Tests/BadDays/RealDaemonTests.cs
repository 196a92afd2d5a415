using Grpc.Core;
using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Cli;
using Lamina.Tests.Csi;

namespace Lamina.Tests.BadDays;

/// <summary>Bad days of the real program: told to stop at work, a second one on the same pool, names at the limit, ids that are paths.</summary>
public sealed class RealDaemonTests
{
    [Fact]
    public async Task Serve_ToldToStopInTheMiddleOfAnOperation_FinishesItAndKeepsTheMounts()
    {
        await using var disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4);
        await using var daemon = new DaemonProcess(CsiPools.OverlayAt("slow", disk.NewDirectory("pool")));
        await daemon.StartAsync();
        await OkAsync(daemon, "volume", "create", "v");
        var path = await OkAsync(daemon, "volume", "attach", "v");
        await File.WriteAllTextAsync(Path.Combine(path, "file"), "content", TestContext.Current.CancellationToken);
        using var csi = new CsiConnection(daemon.CsiSocket);
        Task<global::Csi.V1.CreateVolumeResponse> create;
        using (new FrozenFileSystem(disk.MountPoint))
        {
            create = csi.Controller.CreateVolumeAsync(Requests.CreateVolume("late")).ResponseAsync;
            // On one connection calls begin in turn: when this one is answered, the other is being worked on.
            await csi.Identity.ProbeAsync(new());

            daemon.Terminate();

            await Eventually.TrueAsync(() => !File.Exists(daemon.CsiSocket) && !File.Exists(daemon.AdminSocket), "nobody new is let in");
            Assert.False(create.IsCompleted || daemon.HasExited);
        }
        var made = (await create).Volume.VolumeId;

        Assert.Equal(0, await daemon.EndAsync());
        Assert.Empty(daemon.Faults());
        Assert.False(File.Exists(daemon.CsiSocket) || File.Exists(daemon.AdminSocket));
        Assert.Equal("content", await File.ReadAllTextAsync(Path.Combine(path, "file"), TestContext.Current.CancellationToken));
        await daemon.StartAsync();
        using var again = new CsiConnection(daemon.CsiSocket);
        Assert.Contains((await again.Controller.ListVolumesAsync(new())).Entries, entry => entry.Volume.VolumeId == made);
        Assert.Equal(path, await OkAsync(daemon, "volume", "attach", "v"));
        await OkAsync(daemon, "volume", "detach", "v");
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact]
    public async Task Serve_OnThePoolOfAnotherDaemon_IsRefusedThatPoolAndSaysWhoHasIt()
    {
        var shared = PoolPlace.Make("shared");
        await using var first = new DaemonProcess(shared.Arguments);
        await first.StartAsync();
        await OkAsync(first, "volume", "create", "v");
        await using var second = new DaemonProcess([.. shared.Arguments, .. PoolPlace.Make("own").Arguments]);
        await second.StartAsync();

        var problem = $"another daemon (process {first.Pid}) serves the pool at {shared.Path}; one pool has one daemon";
        Assert.Contains(problem, await OkAsync(second, "pool", "inspect", "shared"), StringComparison.Ordinal);
        Assert.Contains(problem, second.Log, StringComparison.Ordinal);
        var refused = await RunAsync(second, "volume", "create", "w", "--pool", "shared");
        Assert.Equal((7, $"lamina: pool 'shared' is not loaded: {problem}\n"), (refused.ExitCode, refused.Error));
        await OkAsync(second, "volume", "create", "w", "--pool", "own");
        Assert.Equal(0, await second.StopAsync());
        Assert.Equal("v", Assert.Single((await RunAsync(first, "volume", "ls", "-o", "json")).Json.AsArray())!["name"]!.ToString());
        Assert.Equal(0, await first.StopAsync());
    }

    [Theory]
    [InlineData("n", 128)]
    [InlineData("ä", 64)]
    [InlineData("🦙", 32)]
    public async Task Names_Of128Bytes_AreTakenAndOneMoreIsRefused(string letter, int count)
    {
        await using var daemon = new DaemonProcess();
        await daemon.StartAsync();
        var longest = string.Concat(Enumerable.Repeat(letter, count));

        await OkAsync(daemon, "volume", "create", longest);
        await OkAsync(daemon, "volume", "attach", longest);
        await OkAsync(daemon, "snapshot", "create", longest, longest);
        await OkAsync(daemon, "volume", "detach", longest);
        foreach (var command in (string[][])[["volume", "create", longest + "x"], ["snapshot", "create", longest, longest + "x"], ["volume", "clone", longest, longest + "x"]])
        {
            var refused = await RunAsync(daemon, command);
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains("128", refused.Error, StringComparison.Ordinal);
        }
        Assert.Equal(longest, Assert.Single((await RunAsync(daemon, "volume", "ls", "-o", "json")).Json.AsArray())!["name"]!.ToString());
        Assert.Equal(longest, Assert.Single((await RunAsync(daemon, "snapshot", "ls", "-o", "json")).Json.AsArray())!["name"]!.ToString());
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact]
    public async Task Ids_ThatArePaths_TouchNothing()
    {
        await using var daemon = new DaemonProcess();
        await daemon.StartAsync();
        var id = (string)(await RunAsync(daemon, "volume", "create", "v", "-o", "json")).Json["id"]!;
        var pool = id[..id.IndexOf('.', StringComparison.Ordinal)];
        var precious = Directory.CreateDirectory(Path.Combine(daemon.Root, "precious")).FullName;
        await File.WriteAllTextAsync(Path.Combine(precious, "file"), "content", TestContext.Current.CancellationToken);
        var before = Listing(daemon);
        using var csi = new CsiConnection(daemon.CsiSocket);

        foreach (var path in (string[])["..", "../..", "../../precious", "../../../../../precious", $"{pool}...", $"{pool}.../..", $"{pool}.../../precious", $"{pool}./", $"{pool}.v/../../../../../../precious", precious, "/", "."])
        {
            await AnswersAsync(csi.Controller.DeleteVolumeAsync(new() { VolumeId = path }));
            await AnswersAsync(csi.Controller.DeleteSnapshotAsync(new() { SnapshotId = path }));
            await AnswersAsync(csi.Controller.CreateSnapshotAsync(new() { Name = "s", SourceVolumeId = path }), mayBeOk: false);
            await AnswersAsync(csi.Controller.ControllerExpandVolumeAsync(new() { VolumeId = path, CapacityRange = new() { RequiredBytes = 1 } }), mayBeOk: false);
            await AnswersAsync(csi.Node.NodeStageVolumeAsync(Requests.Stage(path, precious)), mayBeOk: false);
            await AnswersAsync(csi.Node.NodePublishVolumeAsync(Requests.Publish(path, precious, Path.Combine(precious, "target"))), mayBeOk: false);
            await AnswersAsync(csi.Node.NodeUnpublishVolumeAsync(new() { VolumeId = path, TargetPath = precious }));
            await AnswersAsync(csi.Node.NodeUnstageVolumeAsync(new() { VolumeId = path, StagingTargetPath = precious }));
            foreach (var command in (string[][])
                [["volume", "inspect"], ["volume", "rm", "--yes"], ["volume", "attach"], ["volume", "detach"], ["snapshot", "rm", "--yes"], ["snapshot", "ls"], ["snapshot", "tree"], ["pool", "inspect"], ["pool", "forget", "--yes"]])
            {
                Assert.NotEqual(0, (await RunAsync(daemon, [.. command, "--", path])).ExitCode);
            }
            Assert.Equal(before, Listing(daemon));
        }
        Assert.Equal("content", await File.ReadAllTextAsync(Path.Combine(precious, "file"), TestContext.Current.CancellationToken));
        Assert.Empty(daemon.Faults());
        Assert.Equal(0, await daemon.StopAsync());
    }

    // Whatever it is, it is an answer to a caller's mistake.
    private static async Task AnswersAsync<T>(AsyncUnaryCall<T> call, bool mayBeOk = true)
    {
        try
        {
            await call;
            Assert.True(mayBeOk, "the call should have been refused");
        }
        catch (RpcException e)
        {
            Assert.True(e.StatusCode is StatusCode.NotFound or StatusCode.InvalidArgument, e.Status.ToString());
        }
    }

    // All that there is but the log.
    private static string Listing(DaemonProcess daemon) => string.Join('\n', Directory.EnumerateFileSystemEntries(daemon.Root, "*", SearchOption.AllDirectories)
        .Where(path => Path.GetFileName(path) != "log").Order(StringComparer.Ordinal));

    private static Task<CliRun> RunAsync(DaemonProcess daemon, params string[] arguments) => CliRun.RunAsync(CliRun.HostOf(daemon.AdminSocket), arguments);

    private static async Task<string> OkAsync(DaemonProcess daemon, params string[] arguments)
    {
        var run = await RunAsync(daemon, arguments);
        Assert.True(run.ExitCode == 0, $"lamina {string.Join(' ', arguments)} ended with {run.ExitCode}: {run.Error}");
        return run.Out.TrimEnd('\n');
    }
}
