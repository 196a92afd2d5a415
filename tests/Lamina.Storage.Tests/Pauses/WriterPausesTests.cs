using Lamina.Linux;
using Lamina.Storage.Pauses;
using Lamina.Storage.Tests.Pools.Overlay;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pauses;

/// <summary>Who is stopped, who is not, and that all are let go. With real processes, on a real overlay.</summary>
public sealed class WriterPausesTests : IDisposable
{
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(5);
    private readonly LiveVolume _volume;

    public WriterPausesTests()
    {
        Requirements.Root();
        _volume = new LiveVolume(TestScratch.NewDirectory());
    }

    public void Dispose() => _volume.Dispose();

    [Fact]
    public async Task Stop_Writer_StandsStillUntilItIsReleased()
    {
        using var writer = await WorkloadProcess.StartAsync("numbers", _volume.MountPoint);
        using (var pause = Stop())
        {
            var before = Numbers.Read(_volume.MountPoint);
            Assert.True(before.IsOneMoment, $"{before}");
            await Task.Delay(50);
            Assert.Equal(before, Numbers.Read(_volume.MountPoint));
            Assert.Single(_volume.Markers);
            pause.Release();
            Assert.NotNull(pause.Pause);
            Assert.Empty(_volume.Markers);
            await Eventually.TrueAsync(() => Numbers.Read(_volume.MountPoint).A > before.A, "the writer goes on");
        }
        await writer.EndAsync();
    }

    [Fact]
    public void Stop_NobodyThere_StopsNobody()
    {
        using var pause = Stop(mayStop: false);
        Assert.Null(pause.Pause);
        Assert.Empty(_volume.Markers);
    }

    [Fact]
    public async Task Stop_UnrelatedProcess_NeverStops()
    {
        var file = Path.Combine(TestScratch.NewDirectory(), "count");
        using var unrelated = await WorkloadProcess.StartAsync("count", file);
        using var writer = await WorkloadProcess.StartAsync("numbers", _volume.MountPoint);
        var isOver = false;
        var states = new HashSet<char>();
        var sampler = new Thread(() =>
        {
            while (!Volatile.Read(ref isOver))
                states.UnionWith(ProcessTable.Threads(unrelated.Pid).Select(thread => thread.State));
        });
        sampler.Start();
        for (var i = 0; i < 10; i++)
        {
            using var pause = Stop();
            var before = Count(file);
            await Eventually.TrueAsync(() => Count(file) > before, "the unrelated process goes on during the stop");
        }
        Volatile.Write(ref isOver, true);
        sampler.Join();
        Assert.DoesNotContain('T', states);
        Assert.NotEmpty(states);
        await writer.EndAsync();
        await unrelated.EndAsync();
    }

    [Theory]
    [InlineData("hold", "/f")]
    [InlineData("sit", "")]
    public async Task Stop_OnlyAnOpenFileOrADirectory_CountsAsAWriter(string work, string path)
    {
        using var user = await WorkloadProcess.StartAsync(work, _volume.MountPoint + path);
        using (Stop())
            Assert.True(IsStopped(user));
        await Eventually.TrueAsync(() => !IsStopped(user), "it goes on");
        await user.EndAsync();
    }

    [Fact]
    public async Task Stop_ThroughABindMount_CountsAsAWriter()
    {
        var published = TestScratch.NewDirectory("published");
        using (var source = Files.Open(_volume.MountPoint, OpenFlags.Path | OpenFlags.Directory))
        using (var tree = Mounts.CloneTree(source))
            Mounts.Attach(tree, published);
        using (var user = await WorkloadProcess.StartAsync("hold", published + "/f"))
        {
            using (Stop())
                Assert.True(IsStopped(user));
            await user.EndAsync();
        }
        Mounts.Unmount(published);
    }

    [Fact]
    public async Task Stop_MountNamespaceOfItsOwn_CountsAsAWriter()
    {
        // It has no file open there and its directory elsewhere: a container that will write at any moment looks like this.
        using var container = await WorkloadProcess.StartProgramAsync("unshare", "-m", WorkloadProcess.Program, "sit", "/");
        using (Stop())
            Assert.True(IsStopped(container));
        await Eventually.TrueAsync(() => !IsStopped(container), "it goes on");
        await container.EndAsync();
    }

    [Fact]
    public async Task Stop_StoppedBefore_StaysStopped()
    {
        using var writer = await WorkloadProcess.StartAsync("numbers", _volume.MountPoint);
        using var stopped = await WorkloadProcess.StartAsync("hold", Path.Combine(_volume.MountPoint, "f"));
        using var handle = ProcessHandle.Open(stopped.Pid);
        handle.TrySignal(Signal.Stop);
        await Eventually.TrueAsync(() => IsStopped(stopped), "it is stopped");
        var before = 0L;
        using (Stop())
            before = Numbers.Read(_volume.MountPoint).A;
        await Eventually.TrueAsync(() => Numbers.Read(_volume.MountPoint).A > before, "the other one goes on");
        Assert.True(IsStopped(stopped));
        handle.TrySignal(Signal.Continue);
        await writer.EndAsync();
        await stopped.EndAsync();
    }

    [Fact]
    public async Task Stop_ProcessesThatComeAndGo_AllStandStill()
    {
        const string script = "cd \"$0\" && echo ready && while :; do /bin/echo x > f; done";
        using var shell = await WorkloadProcess.StartProgramAsync("/bin/sh", "-c", script, _volume.MountPoint);
        for (var i = 0; i < 10; i++)
        {
            using var pause = Stop();
            var before = Files.Stat(Path.Combine(_volume.MountPoint, "f")).Changed;
            await Task.Delay(20);
            Assert.Equal(before, Files.Stat(Path.Combine(_volume.MountPoint, "f")).Changed);
        }
    }

    [Fact]
    public async Task Stop_ParentWaitsInVfork_IsNotWaitedFor()
    {
        var fifo = TestScratch.NewPath("fifo");
        using (var scratch = Files.OpenDirectory(TestScratch.Root))
            Files.MakeNode(scratch, Path.GetFileName(fifo), 0x1000 | 0x180, 0);
        using var parent = await WorkloadProcess.StartAsync("vfork", Path.Combine(_volume.MountPoint, "f"), fifo);
        await Eventually.TrueAsync(() => ProcessTable.Threads(parent.Pid).Any(thread => thread.State == 'D'), "it waits in vfork");
        using (var pause = Stop())
            Assert.False(pause.Aborted.IsCancellationRequested);
        // Its child gets its file, becomes /bin/true, and both end.
        await File.WriteAllTextAsync(fifo, "");
        await parent.EndAsync();
    }

    [Fact]
    public async Task Stop_LongerThanItMay_IsReleasedByItself()
    {
        using var writer = await WorkloadProcess.StartAsync("numbers", _volume.MountPoint);
        // Whoever holds the pause does nothing more, as if it hung.
        using var pause = Stop(maxPause: TimeSpan.FromMilliseconds(500));
        await Eventually.TrueAsync(() => pause.Aborted.IsCancellationRequested, "the pause is over");
        await Eventually.TrueAsync(() => !_volume.Markers.Any(), "nothing is left of it");
        var before = Numbers.Read(_volume.MountPoint).A;
        await Eventually.TrueAsync(() => Numbers.Read(_volume.MountPoint).A > before, "the writer goes on");
        await writer.EndAsync();
    }

    [Fact]
    public async Task Stop_ContainerEngineWrites_IsRefusedWithItsName()
    {
        var engine = Path.Combine(AppContext.BaseDirectory, "dockerd");
        File.Delete(engine);
        File.CreateSymbolicLink(engine, WorkloadProcess.Program);
        using var dockerd = await WorkloadProcess.StartProgramAsync(engine, "hold", Path.Combine(_volume.MountPoint, "f"));
        using var writer = await WorkloadProcess.StartAsync("numbers", _volume.MountPoint);
        var refused = Assert.Throws<StorageException>(() => Stop());
        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.Contains("dockerd", refused.Message, StringComparison.Ordinal);
        Assert.False(IsStopped(dockerd));
        Assert.False(IsStopped(writer));
        Assert.Empty(_volume.Markers);
        await dockerd.EndAsync();
        await writer.EndAsync();
        File.Delete(engine);
    }

    [Fact]
    public async Task Stop_ContainerEngineOnlySitsThere_IsLeftAlone()
    {
        var engine = Path.Combine(AppContext.BaseDirectory, "containerd-shim-test");
        File.Delete(engine);
        File.CreateSymbolicLink(engine, WorkloadProcess.Program);
        using var shim = await WorkloadProcess.StartProgramAsync(engine, "sit", _volume.MountPoint);
        using (var pause = Stop())
        {
            Assert.False(IsStopped(shim));
            Assert.Null(pause.Pause);
        }
        await shim.EndAsync();
        File.Delete(engine);
    }

    [Fact]
    public void Stop_LoopDeviceOnTheVolume_IsRefusedWithItsName()
    {
        using (var image = Files.Open(Path.Combine(_volume.MountPoint, "image"), OpenFlags.ReadWrite | OpenFlags.Create, 0x180))
        {
            Files.SetLength(image, 1 << 20);
            using var loop = LoopDevice.Attach(image, "image", direct: false, readOnly: false, autoClear: true);
            var refused = Assert.Throws<StorageException>(() => Stop());
            Assert.Equal(StorageError.FailedPrecondition, refused.Error);
            Assert.Contains(loop.Path, refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Cut_FromAPidNamespace_IsRefusedWithWhatHelps()
    {
        using var daemon = await WorkloadProcess.StartProgramAsync(
            "unshare", "-pf", "--mount-proc", WorkloadProcess.Program, "cut", _volume.RuntimeDirectory, _volume.MountPoint, _volume.Upper, _volume.NewTarget());
        Assert.StartsWith("FailedPrecondition", daemon.FirstLine, StringComparison.Ordinal);
        Assert.Contains("hostPID", daemon.FirstLine, StringComparison.Ordinal);
        await daemon.EndAsync();
    }

    [Fact]
    public async Task Scan_CopiedUpFileIsMapped_IsKnownByTheInodeThatUsersSee()
    {
        using var volume = new LiveVolume(TestScratch.NewDirectory(), lower => File.WriteAllBytes(Path.Combine(lower, "f"), new byte[10_000]));
        var path = Path.Combine(volume.MountPoint, "f");
        using (var mapped = System.IO.MemoryMappedFiles.MemoryMappedFile.CreateFromFile(path, FileMode.Open))
        using (mapped.CreateViewAccessor())
        {
            using var copy = new ScratchCopy(volume);
            copy.Copy.Follow(CancellationToken.None);
            await Task.Delay(50);
            copy.Copy.Follow(CancellationToken.None);
            copy.Copy.Follow(CancellationToken.None);
            Assert.Equal(0, copy.Copy.Changes);

            var found = new WriterFinder([volume.Paused]).Scan(new HashSet<ProcessIdentity>()).MappedFiles;
            copy.Copy.Complete(found.Select(file => file.Inode).ToHashSet(), CancellationToken.None);
            Assert.Equal(1, copy.Copy.Changes);
        }
    }

    private WriterPause Stop(bool mayStop = true, TimeSpan? maxPause = null) => _volume.Pauses.Stop("volume", [_volume.Paused], mayStop, maxPause ?? s_long);

    private static bool IsStopped(WorkloadProcess process) => ProcessTable.Threads(process.Pid).All(thread => thread.State == 'T');

    private static long Count(string file) => BitConverter.ToInt64(File.ReadAllBytes(file));
}
