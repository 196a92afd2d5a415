using System.Globalization;
using Lamina.Linux;
using Lamina.Storage.Pauses;
using Lamina.Storage.Tests.Pools.Overlay;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pauses;

/// <summary>Writers in cgroups, as containers are.</summary>
public sealed class CgroupPauseTests : IDisposable
{
    private readonly LiveVolume _volume;
    private readonly string _cgroup;

    public CgroupPauseTests()
    {
        Requirements.Root();
        var hierarchy = MountTable.Read().Entries.FirstOrDefault(mount => mount is { FileSystemType: "cgroup2", Root: "/", IsReadOnly: false });
        Requirements.Met(hierarchy is not null, "needs a cgroup v2 hierarchy that can be written");
        _volume = new LiveVolume(TestScratch.NewDirectory());
        _cgroup = $"{hierarchy!.MountPoint}/lamina-test-{Environment.ProcessId}-{Guid.NewGuid():n}";
        Directory.CreateDirectory(_cgroup);
        Requirements.Met(File.Exists($"{_cgroup}/cgroup.freeze"), "needs cgroup.freeze");
    }

    public void Dispose()
    {
        // Its processes have ended, but are not collected at once.
        for (var attempt = 0; CgroupFreezer.Members(_cgroup).Count > 0 && attempt < 500; attempt++)
            Thread.Sleep(10);
        Directory.Delete(_cgroup);
        _volume.Dispose();
    }

    [Fact]
    public async Task Stop_AllMembersAreWriters_AreFrozenAndSeeNoSignal()
    {
        using var one = await WorkloadProcess.StartAsync("numbers", _volume.MountPoint);
        using var other = await WorkloadProcess.StartAsync("hold", Path.Combine(_volume.MountPoint, "f"));
        Join(one);
        Join(other);
        using (Stop())
        {
            Assert.True(CgroupFreezer.IsFrozen(_cgroup));
            Assert.DoesNotContain('T', ProcessTable.Threads(one.Pid).Select(thread => thread.State));
            var before = Numbers.Read(_volume.MountPoint);
            await Task.Delay(50);
            Assert.Equal(before, Numbers.Read(_volume.MountPoint));
        }
        Assert.False(CgroupFreezer.IsFrozen(_cgroup));
        await one.EndAsync();
        await other.EndAsync();
    }

    [Fact]
    public async Task Stop_AMemberIsNoWriter_OnlyTheOthersAreStopped()
    {
        var file = Path.Combine(TestScratch.NewDirectory(), "count");
        using var writer = await WorkloadProcess.StartAsync("numbers", _volume.MountPoint);
        using var unrelated = await WorkloadProcess.StartAsync("count", file);
        Join(writer);
        Join(unrelated);
        using (Stop())
        {
            Assert.False(CgroupFreezer.IsFrozen(_cgroup));
            Assert.All(ProcessTable.Threads(writer.Pid), thread => Assert.Equal('T', thread.State));
            var before = BitConverter.ToInt64(File.ReadAllBytes(file));
            await Eventually.TrueAsync(() => BitConverter.ToInt64(File.ReadAllBytes(file)) > before, "the unrelated one goes on");
        }
        await writer.EndAsync();
        await unrelated.EndAsync();
    }

    [Fact]
    public async Task Stop_FrozenBefore_StaysFrozen()
    {
        using var writer = await WorkloadProcess.StartAsync("numbers", _volume.MountPoint);
        Join(writer);
        Assert.True(CgroupFreezer.TryFreeze(_cgroup));
        using (var pause = Stop())
            Assert.Null(pause.Pause);
        Assert.True(CgroupFreezer.IsFrozen(_cgroup));
        CgroupFreezer.Thaw(_cgroup);
        await writer.EndAsync();
    }

    [Fact]
    public async Task Stop_DaemonIsKilled_TheCgroupIsThawed()
    {
        using var writer = await WorkloadProcess.StartAsync("numbers", _volume.MountPoint);
        Join(writer);
        using var daemon = await WorkloadProcess.StartAsync("stop", _volume.RuntimeDirectory, _volume.MountPoint);
        Assert.True(CgroupFreezer.IsFrozen(_cgroup));
        daemon.Kill();
        await Eventually.TrueAsync(() => !CgroupFreezer.IsFrozen(_cgroup) && !_volume.Markers.Any(), "the watcher thaws it");
        await writer.EndAsync();
    }

    private WriterPause Stop() => _volume.Pauses.Stop("volume", [_volume.Paused], mayStop: true, TimeSpan.FromMinutes(5));

    private void Join(WorkloadProcess process) =>
        File.WriteAllText($"{_cgroup}/cgroup.procs", process.Pid.ToString(CultureInfo.InvariantCulture));
}
