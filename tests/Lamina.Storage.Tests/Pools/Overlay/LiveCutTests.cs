using Lamina.Linux;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

/// <summary>Cuts of a volume that others write to, on a real filesystem.</summary>
public abstract class LiveCutTests(ScratchFileSystem fileSystem)
{
    private const int Cuts = 12;

    [Fact]
    public async Task Cut_NumberedWritesOverSeveralFiles_AreNeverOutOfOrder()
    {
        using var volume = new LiveVolume(fileSystem.NewDirectory());
        using var writer = await WorkloadProcess.StartAsync("numbers", volume.MountPoint);
        var before = 0L;
        for (var i = 0; i < Cuts; i++)
        {
            var target = volume.NewTarget();
            var result = await volume.CutAsync(target);
            var numbers = volume.LookAt(target, Numbers.Read);
            Assert.True(numbers.IsOneMoment, $"cut {i}: {numbers}");
            Assert.True(numbers.A > before, "the writer has gone on between the cuts");
            Assert.NotNull(result.Pause);
            before = numbers.A;
        }
        await writer.EndAsync();
    }

    [Fact]
    public async Task Copy_WithoutStoppingTheWriter_IsOutOfOrder()
    {
        // What the test above would find if nobody were stopped: it does bite.
        using var volume = new LiveVolume(fileSystem.NewDirectory());
        using var writer = await WorkloadProcess.StartAsync("numbers", volume.MountPoint);
        var violations = 0;
        // Chance decides when; a copy that is never out of order would go on to the end.
        for (var i = 0; i < 100 * Cuts && violations == 0; i++)
        {
            using var copy = new ScratchCopy(volume);
            copy.Copy.Follow(CancellationToken.None);
            copy.Copy.Follow(CancellationToken.None);
            copy.Copy.Finish();
            violations += IsOneMoment(copy.Target) ? 0 : 1;
        }
        Assert.True(violations > 0, "no copy was out of order");
        await writer.EndAsync();
    }

    [Fact]
    public async Task Cut_CopiedUpFilesStoredIntoThroughMemory_AreInOrder()
    {
        // What users see as their inode is that of the file below, and not that of the file that is copied.
        using var volume = new LiveVolume(fileSystem.NewDirectory(), lower =>
        {
            Directory.CreateDirectory(Path.Combine(lower, "sub"));
            foreach (var name in (string[])["a", "b", "sub/c", "d"])
                File.WriteAllBytes(Path.Combine(lower, name), new byte[2 * 1024 * 1024]);
        });
        using var writer = await WorkloadProcess.StartAsync("numbers", volume.MountPoint);
        for (var i = 0; i < Cuts; i++)
        {
            var target = volume.NewTarget();
            await volume.CutAsync(target);
            var numbers = volume.LookAt(target, Numbers.Read);
            Assert.True(numbers.IsOneMoment, $"cut {i}: {numbers}");
        }
        await writer.EndAsync();
    }

    [Fact]
    public async Task Cut_LastsLongerThanItMay_IsGivenUpAndLeavesNothing()
    {
        using var volume = new LiveVolume(fileSystem.NewDirectory());
        for (var i = 0; i < 2000; i++)
            File.WriteAllText(Path.Combine(volume.MountPoint, $"f{i}"), "x");
        using var writer = await WorkloadProcess.StartAsync("numbers", volume.MountPoint);
        var target = volume.NewTarget();
        var refused = await Assert.ThrowsAsync<StorageException>(() => volume.CutAsync(target, TimeSpan.FromMilliseconds(1)));
        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.Contains("maxPause", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(target));
        Assert.Empty(volume.Markers);
        var before = Numbers.Read(volume.MountPoint).A;
        await Eventually.TrueAsync(() => Numbers.Read(volume.MountPoint).A > before, "the writer goes on");
        await writer.EndAsync();
    }

    [Fact]
    public async Task Cut_WritersMayNotBeStopped_IsRefusedWithTheirName()
    {
        using var volume = new LiveVolume(fileSystem.NewDirectory());
        using var writer = await WorkloadProcess.StartAsync("numbers", volume.MountPoint);
        var target = volume.NewTarget();
        var refused = await Assert.ThrowsAsync<StorageException>(() => volume.CutAsync(target, mayPause: false));
        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.Contains($"process {writer.Pid}", refused.Message, StringComparison.Ordinal);
        await writer.EndAsync();

        var result = await volume.CutAsync(target, mayPause: false);
        Assert.Null(result.Pause);
        Assert.Empty(TreeComparison.Run(volume.Upper, target));
    }

    [Fact]
    public async Task Cut_WriterThatCannotBeFound_IsNeverTakenForGood()
    {
        using var volume = new LiveVolume(fileSystem.NewDirectory());
        for (var i = 0; i < 1000; i++)
            File.WriteAllText(Path.Combine(volume.MountPoint, $"f{i}"), "x");
        using var writer = await WorkloadProcess.StartAsync("glimpse", Path.Combine(volume.MountPoint, "glimpsed"));
        for (var i = 0; i < 6; i++)
        {
            var target = volume.NewTarget();
            try
            {
                // It may be caught with the file open, or write nothing during the stop: then the cut is good.
                await volume.CutAsync(target);
                Assert.True(File.Exists(Path.Combine(target, "glimpsed")));
            }
            catch (StorageException e)
            {
                Assert.Equal(StorageError.FailedPrecondition, e.Error);
                Assert.Contains("was not found", e.Message, StringComparison.Ordinal);
                Assert.Empty(Directory.EnumerateFileSystemEntries(target));
            }
        }
        await writer.EndAsync();
    }

    // Without the file that was just being replaced it is out of order as well.
    private static bool IsOneMoment(string copy)
    {
        try
        {
            return Numbers.Read(copy).IsOneMoment;
        }
        catch (LinuxException e) when (e.Errno == Errno.ENOENT)
        {
            return false;
        }
    }
}
