using System.Globalization;
using Lamina.Linux;
using Lamina.Storage.Pauses;
using Lamina.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Storage.Tests.Pauses;

/// <summary>Filesystems that are frozen for a cut, and are thawed whatever happens.</summary>
[Collection<XfsCollection>]
public sealed class FileSystemPauseTests : IAsyncLifetime
{
    private readonly string _runtime = TestScratch.NewDirectory("run");
    private LoopDisk _disk = null!;

    private WriterPauses Pauses => new(_runtime, null, TimeProvider.System, NullLogger<WriterPauses>.Instance);

    private IEnumerable<string> Markers => Directory.EnumerateFiles(Path.Combine(_runtime, "pauses"));

    public async ValueTask InitializeAsync() => _disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4, 64L << 20);

    public ValueTask DisposeAsync()
    {
        if (IsFrozen())
            FileSystemFreeze.Thaw(_disk.Root);
        return _disk.DisposeAsync();
    }

    [Fact]
    public void Freeze_UntilItsEnd_IsMeasuredAndLeavesNothing()
    {
        using var pause = Pauses.Freeze("volume", _disk.MountPoint, TimeSpan.FromMinutes(1));
        Assert.True(IsFrozen());
        Assert.Single(Markers);

        Assert.InRange(pause.End(), TimeSpan.FromTicks(1), TimeSpan.FromMinutes(1));

        Assert.False(IsFrozen());
        Assert.Empty(Markers);
    }

    [Fact]
    public async Task Freeze_LongerThanAllowed_IsThawedByItself()
    {
        using var pause = Pauses.Freeze("volume", _disk.MountPoint, TimeSpan.FromMilliseconds(200));

        await Eventually.TrueAsync(() => !IsFrozen(), "it is thawed");

        Assert.Contains("maxPause", Assert.Throws<StorageException>(() => pause.End()).Message, StringComparison.Ordinal);
        await Eventually.TrueAsync(() => !Markers.Any(), "the marker is gone");
    }

    // The attachment's own mount may be hidden or gone while publications keep the filesystem.
    [Fact]
    public void Freeze_WhereAnotherIsMountedMeanwhile_EndsWithTheSameFileSystemThawed()
    {
        using var pause = Pauses.Freeze("volume", _disk.MountPoint, TimeSpan.FromMinutes(1));
        using (new Hidden(_disk.MountPoint))
            pause.End();

        Assert.False(IsFrozen());
        Assert.Empty(Markers);
    }

    // The marker is all that tells the next start of it.
    [Fact]
    public void Freeze_OfWhatIsNotThawedYet_LeavesItsMarker()
    {
        var pauses = Pauses;
        var marker = Path.Combine(_runtime, "pauses", "volume.json");
        File.WriteAllText(marker, "{}");
        FileSystemFreeze.Freeze(_disk.Root);

        var refused = Assert.Throws<StorageException>(() => pauses.Freeze("volume", _disk.MountPoint, TimeSpan.FromMinutes(1)));

        Assert.Equal(StorageError.Unavailable, refused.Error);
        Assert.True(IsFrozen());
        Assert.Equal([marker], Markers);
    }

    [Fact]
    public void Freeze_OfWhatSomebodyElseFroze_LeavesItFrozen()
    {
        FileSystemFreeze.Freeze(_disk.Root);

        var refused = Assert.Throws<StorageException>(() => Pauses.Freeze("volume", _disk.MountPoint, TimeSpan.FromMinutes(1)));

        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.True(IsFrozen());
        Assert.Empty(Markers);
    }

    [Fact]
    public async Task Kill_DaemonInTheFreeze_IsThawedByTheWatcher()
    {
        using var daemon = await WorkloadProcess.StartAsync("freeze", _runtime, _disk.MountPoint);
        Assert.True(IsFrozen());
        Assert.Single(Markers);

        daemon.Kill();

        await Eventually.TrueAsync(() => !Markers.Any(), "the marker is gone");
        Assert.False(IsFrozen());
    }

    [Fact]
    public async Task ReleaseLeftovers_WatcherDiedToo_Thaws()
    {
        using var daemon = await WorkloadProcess.StartAsync("freeze", _runtime, _disk.MountPoint);
        using (var watcher = ProcessHandle.Open(int.Parse(daemon.FirstLine.Split(' ')[1], CultureInfo.InvariantCulture)))
            watcher.TrySignal(Signal.Kill);
        daemon.Kill();
        Assert.True(IsFrozen());

        Pauses.ReleaseLeftovers();

        Assert.False(IsFrozen());
        Assert.Empty(Markers);
    }

    [Fact]
    public void Thaw_WhereAnotherFileSystemIsMountedSince_TouchesNothing()
    {
        FileSystemFreeze.Freeze(_disk.Root);

        PauseRelease.Thaw(new FrozenMount(_disk.MountPoint, Files.Stat("/").Device));

        Assert.True(IsFrozen());
    }

    // The kernel says so only to whoever tries to freeze once more.
    private bool IsFrozen()
    {
        try
        {
            FileSystemFreeze.Freeze(_disk.Root);
        }
        catch (LinuxException e) when (e.Errno is Errno.EBUSY)
        {
            return true;
        }
        FileSystemFreeze.Thaw(_disk.Root);
        return false;
    }
}
