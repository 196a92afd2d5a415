using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Lamina.Linux;
using Lamina.Storage.Pauses;
using Lamina.Storage.Tests.Pools.Overlay;
using Lamina.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Storage.Tests.Pauses;

/// <summary>Writers whose daemon dies while they are stopped.</summary>
public sealed class PauseWatcherTests : IDisposable
{
    private readonly LiveVolume _volume;

    public PauseWatcherTests()
    {
        Requirements.Root();
        _volume = new LiveVolume(TestScratch.NewDirectory());
    }

    public void Dispose() => _volume.Dispose();

    [Fact]
    public async Task Kill_DaemonInThePause_WritersGoOnAndNothingIsLeft()
    {
        using var writer = await WorkloadProcess.StartAsync("numbers", _volume.MountPoint);
        using var daemon = await WorkloadProcess.StartAsync("stop", _volume.RuntimeDirectory, _volume.MountPoint);
        var before = Numbers.Read(_volume.MountPoint);
        Assert.Single(_volume.Markers);
        Assert.Equal(before, Numbers.Read(_volume.MountPoint));
        daemon.Kill();
        await Eventually.TrueAsync(() => Numbers.Read(_volume.MountPoint).A > before.A, "the writer goes on");
        await Eventually.TrueAsync(() => !_volume.Markers.Any(), "the marker is gone");
        await Eventually.TrueAsync(() => !IsRunning(WatcherOf(daemon)), "the watcher has ended");
        await writer.EndAsync();
    }

    [Fact]
    public async Task Kill_WatcherWasToldToEndBefore_StillReleases()
    {
        using var writer = await WorkloadProcess.StartAsync("numbers", _volume.MountPoint);
        using var daemon = await WorkloadProcess.StartAsync("stop", _volume.RuntimeDirectory, _volume.MountPoint);
        var watcher = WatcherOf(daemon);
        // As a terminal or a service manager tells a whole group; the watcher has left it, and does not listen before its daemon is gone.
        await Eventually.TrueAsync(() => SessionOf(watcher) == watcher, "it has a session of its own");
        await Eventually.TrueAsync(() => Ignores(watcher, Signal.Terminate), "it is ready for signals");
        using (var handle = ProcessHandle.Open(watcher))
            handle.TrySignal(Signal.Terminate);
        await Task.Delay(50);
        Assert.True(IsRunning(watcher));
        daemon.Kill();
        await Eventually.TrueAsync(() => !_volume.Markers.Any(), "the marker is gone");
        await writer.EndAsync();
    }

    [Fact]
    public async Task EnsureRunning_WatcherWasKilled_StartsAnother()
    {
        using var watcher = new PauseWatcherProcess(WorkloadProcess.Program, ["watch-pauses", _volume.RuntimeDirectory], NullLogger.Instance);
        watcher.EnsureRunning();
        var first = watcher.Pid;
        watcher.EnsureRunning();
        Assert.Equal(first, watcher.Pid);
        using (var handle = ProcessHandle.Open(first!.Value))
            handle.TrySignal(Signal.Kill);
        await Eventually.TrueAsync(() => watcher.Pid is null, "its end is noticed");
        watcher.EnsureRunning();
        Assert.NotNull(watcher.Pid);
        Assert.NotEqual(first, watcher.Pid);
    }

    [Fact]
    public async Task Run_RuntimeDirectoryWasRemoved_EndsWithALineAndMakesNothing()
    {
        var directory = Path.Combine(TestScratch.NewDirectory(), "run");
        var start = new ProcessStartInfo(WorkloadProcess.Program, ["watch-pauses", directory]) { RedirectStandardInput = true, RedirectStandardError = true };
#pragma warning disable RS0030 // Its code and its line are what this is about.
        using var watcher = Process.Start(start)!;
#pragma warning restore RS0030
        watcher.StandardInput.Close();
        Assert.Equal($"lamina: {directory} was removed, and with it whatever told of stopped writers: none is let go on\n", await watcher.StandardError.ReadToEndAsync());
        await watcher.WaitForExitAsync();
        Assert.Equal(0, watcher.ExitCode);
        Assert.False(Path.Exists(directory));
    }

    [Fact]
    public void Stop_WatcherCannotBeStarted_StopsNobody()
    {
        using var watcher = new PauseWatcherProcess("/nowhere/lamina", [], NullLogger.Instance);
        var pauses = new WriterPauses(_volume.RuntimeDirectory, watcher, TimeProvider.System, NullLogger<WriterPauses>.Instance);
        var refused = Assert.Throws<StorageException>(() => pauses.Stop("volume", [_volume.Paused], mayStop: true, TimeSpan.FromMinutes(1)));
        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
    }

    [Fact]
    public async Task ReleaseLeftovers_StoppedByADeadDaemon_IsContinued()
    {
        using var process = await StartStoppedAsync();
        WriteMarker("left", process.Pid, StartOf(process.Pid));
        _volume.Pauses.ReleaseLeftovers();
        await Eventually.TrueAsync(() => !IsStopped(process), "it goes on");
        Assert.Empty(_volume.Markers);
    }

    [Fact]
    public async Task ReleaseLeftovers_NumberBelongsToAnotherProcessNow_IsLeftAlone()
    {
        using var process = await StartStoppedAsync();
        WriteMarker("left", process.Pid, StartOf(process.Pid) - 1);
        _volume.Pauses.ReleaseLeftovers();
        Assert.True(IsStopped(process));
        Assert.Empty(_volume.Markers);
    }

    [Fact]
    public async Task ReleaseLeftovers_OfADaemonThatLives_IsLeftToIt()
    {
        using var process = await StartStoppedAsync();
        WriteMarker("left", process.Pid, StartOf(process.Pid), new ProcessIdentity(Environment.ProcessId, StartOf(Environment.ProcessId)));
        _volume.Pauses.ReleaseLeftovers();
        Assert.True(IsStopped(process));
        Assert.Single(_volume.Markers);
    }

    [Fact]
    public async Task ReleaseLeftovers_AnotherBoot_IsForgotten()
    {
        using var process = await StartStoppedAsync();
        WriteMarker("left", process.Pid, StartOf(process.Pid), bootId: Guid.NewGuid().ToString());
        _volume.Pauses.ReleaseLeftovers();
        Assert.True(IsStopped(process));
        Assert.Empty(_volume.Markers);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("not json")]
    [InlineData("""{"format":2,"bootId":"","owner":{"pid":1,"startTime":1},"processes":[],"cgroups":[]}""")]
    public void ReleaseLeftovers_Unreadable_IsKept(string content)
    {
        _ = _volume.Pauses;
        File.WriteAllText(Path.Combine(_volume.RuntimeDirectory, "pauses", "odd.json"), content);
        _volume.Pauses.ReleaseLeftovers();
        Assert.Single(_volume.Markers);
    }

    private void WriteMarker(string name, int pid, ulong startTime, ProcessIdentity? owner = null, string? bootId = null)
    {
        _ = _volume.Pauses;
        var marker = new PauseMarker(
            PauseMarker.CurrentFormat, bootId ?? BootId.Read(), owner ?? new ProcessIdentity(1, 12345), [new ProcessIdentity(pid, startTime)], ImmutableArray<string>.Empty);
        File.WriteAllBytes(
            Path.Combine(_volume.RuntimeDirectory, "pauses", name + ".json"), JsonSerializer.SerializeToUtf8Bytes(marker, PauseMarkerJson.Default.PauseMarker));
    }

    private static async Task<WorkloadProcess> StartStoppedAsync()
    {
        var process = await WorkloadProcess.StartAsync("sit", "/");
        using var handle = ProcessHandle.Open(process.Pid);
        handle.TrySignal(Signal.Stop);
        await Eventually.TrueAsync(() => IsStopped(process), "it is stopped");
        return process;
    }

    private static int WatcherOf(WorkloadProcess daemon) => int.Parse(daemon.FirstLine.Split(' ')[1], CultureInfo.InvariantCulture);

    private static bool IsStopped(WorkloadProcess process) => ProcessTable.Threads(process.Pid).All(thread => thread.State == 'T');

    private static bool IsRunning(int pid) => ProcessTable.TryRead(pid) is { State: not ('Z' or 'X') };

    private static ulong StartOf(int pid) => ProcessTable.TryRead(pid)!.StartTime;

    private static int SessionOf(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[3], CultureInfo.InvariantCulture);
    }

    private static bool Ignores(int pid, Signal signal)
    {
        var line = File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith("SigCgt:", StringComparison.Ordinal));
        var caught = ulong.Parse(line[7..].Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        return (caught & (1UL << ((int)signal - 1))) != 0;
    }
}
