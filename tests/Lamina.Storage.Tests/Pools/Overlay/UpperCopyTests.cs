using Lamina.Linux;
using Lamina.Storage.Pools.Cuts;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

/// <summary>Copies of trees that change while they are copied, compared with the original when it has come to rest.</summary>
public abstract class UpperCopyTests(ScratchFileSystem fileSystem)
{
    /// <summary>The seeds of the random trees: many with LAMINA_SOAK=1.</summary>
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, TestSettings.IsSoak ? 200 : 4)];

    [Fact]
    public void Copy_OfMoreFilesThanItMayKeepInMind_IsRefusedWhileTheWritersRun()
    {
        using var volume = new LiveVolume(fileSystem.NewDirectory(), _ => { });
        for (var i = 0; i < 20; i++)
            File.WriteAllText(Path.Combine(volume.MountPoint, $"f{i}"), "");
        using (var enough = new ScratchCopy(volume, maxEntries: 20))
        {
            enough.Copy.Follow(CancellationToken.None);
            // What comes in the stop is copied all the same: it is little, and nobody is to be stopped for nothing.
            File.WriteAllText(Path.Combine(volume.MountPoint, "late"), "");
            enough.Complete();
        }

        using var copy = new ScratchCopy(volume, maxEntries: 20);
        var refused = Assert.Throws<StorageException>(() => copy.Copy.Follow(CancellationToken.None));

        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.Contains("more than 20 files and directories", refused.Message, StringComparison.Ordinal);
        copy.Copy.Clear();
        Assert.Empty(Directory.EnumerateFileSystemEntries(copy.Target));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Copy_RandomTreeThatChangesMeanwhile_IsExact(int seed)
    {
        using var volume = new LiveVolume(fileSystem.NewDirectory(), lower => Fill(lower, seed));
        using var copy = new ScratchCopy(volume);
        using (var mutator = await WorkloadProcess.StartAsync("mutate", volume.MountPoint, $"{seed}"))
        {
            var passes = 0;
            await Eventually.TrueAsync(
                () =>
                {
                    copy.Copy.Follow(CancellationToken.None);
                    // One of few entries means nothing. On a busy machine it grows slowly, and at times it shrinks.
                    return ++passes >= 20 && copy.Copy.Count > 60;
                },
                "more than 60 entries are followed");
            await mutator.EndAsync();
        }
        copy.Complete();
        Assert.Empty(TreeComparison.Run(volume.Upper, copy.Target));
    }

    [Fact]
    public async Task Cut_RandomTreeThatChangesMeanwhile_CanBeMountedAndRead()
    {
        using var volume = new LiveVolume(fileSystem.NewDirectory(), lower => Fill(lower, 5));
        using var mutator = await WorkloadProcess.StartAsync("mutate", volume.MountPoint, "5");
        for (var i = 0; i < 3; i++)
        {
            var target = volume.NewTarget();
            await volume.CutAsync(target);
            Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(target), path => path.Contains(".lamina", StringComparison.Ordinal));
            volume.LookAt(target, path => Directory.EnumerateFileSystemEntries(path, "*", SearchOption.AllDirectories).Count());
        }
        await mutator.EndAsync();
    }

    [Fact]
    public void Copy_SparseFile_KeepsItsHoles()
    {
        using var volume = new LiveVolume(fileSystem.NewDirectory());
        using (var file = Files.Open(Path.Combine(volume.MountPoint, "f"), OpenFlags.ReadWrite | OpenFlags.Create, 0x1a4))
        {
            Files.SetLength(file, 1L << 30);
            Files.WriteAll(file, 512L << 20, "middle"u8);
        }
        using var copy = new ScratchCopy(volume);
        copy.Complete();
        var status = Files.Stat(Path.Combine(copy.Target, "f"));
        Assert.Equal(1L << 30, status.Size);
        Assert.True(status.Blocks * 512 <= 1 << 20, $"{status.Blocks * 512} bytes are allocated");
    }

    [Fact]
    public void Copy_DataBecameAHole_IsAHoleInTheCopyToo()
    {
        using var volume = new LiveVolume(fileSystem.NewDirectory());
        var path = Path.Combine(volume.MountPoint, "f");
        File.WriteAllBytes(path, Enumerable.Repeat((byte)7, 4 << 20).ToArray());
        using var copy = new ScratchCopy(volume);
        copy.Copy.Follow(CancellationToken.None);
        using (var file = Files.Open(path, OpenFlags.ReadWrite))
            Files.PunchHole(file, 1 << 20, 2 << 20);
        copy.Complete();
        Assert.Empty(TreeComparison.Run(volume.Upper, copy.Target));
        using (var target = Files.OpenDirectory(copy.Target))
            Files.FlushFileSystem(target);
        var allocated = Files.Stat(Path.Combine(copy.Target, "f")).Blocks * 512;
        Assert.True(allocated < 3 << 20, $"{allocated} bytes are allocated");
    }

    [Fact]
    public void Copy_StoreIntoADirtyPageAfterItWasCopied_IsBroughtOver()
    {
        // Such a store moves no time by itself: it is the write-back before the copy that makes it do so.
        using var volume = new LiveVolume(fileSystem.NewDirectory());
        using var mapped = System.IO.MemoryMappedFiles.MemoryMappedFile.CreateFromFile(
            Path.Combine(volume.MountPoint, "f"), FileMode.Create, null, 1 << 20);
        using var view = mapped.CreateViewAccessor();
        view.Write(5000, 1);
        Thread.Sleep(50);
        view.Write(5000, 2);
        using var copy = new ScratchCopy(volume);
        copy.Copy.Follow(CancellationToken.None);
        Thread.Sleep(50);
        view.Write(5000, 3);
        copy.Complete();
        Assert.Empty(TreeComparison.Run(volume.Upper, copy.Target));
    }

    [Fact]
    public void Copy_DeepTreeThatIsRenamed_IsMovedAndNotCopiedAgain()
    {
        using var volume = new LiveVolume(fileSystem.NewDirectory());
        var path = Path.Combine(volume.MountPoint, "old");
        for (var level = 0; level < 300; level++)
            path = Path.Combine(path, "d");
        Directory.CreateDirectory(path);
        File.WriteAllText(Path.Combine(path, "f"), "deep");
        using var copy = new ScratchCopy(volume);
        copy.Copy.Follow(CancellationToken.None);
        Thread.Sleep(50);
        copy.Copy.Follow(CancellationToken.None);

        Directory.CreateDirectory(Path.Combine(volume.MountPoint, "a"));
        Directory.Move(Path.Combine(volume.MountPoint, "old"), Path.Combine(volume.MountPoint, "a", "new"));
        copy.Complete();
        Assert.True(copy.Copy.Changes < 10, $"{copy.Copy.Changes} entries were brought over");
        Assert.Empty(TreeComparison.Run(volume.Upper, copy.Target));
    }

    [Fact]
    public void Verify_SomethingWasWrittenSince_Throws()
    {
        using var volume = new LiveVolume(fileSystem.NewDirectory());
        File.WriteAllText(Path.Combine(volume.MountPoint, "f"), "one");
        using var copy = new ScratchCopy(volume);
        var stop = KernelClock.Now;
        Thread.Sleep(20);
        copy.Copy.Complete(new HashSet<ulong>(), CancellationToken.None);
        copy.Copy.Verify(stop, CancellationToken.None);
        using (var file = Files.Open(Path.Combine(volume.MountPoint, "f"), OpenFlags.ReadWrite))
            Files.WriteAll(file, 0, "two"u8);
        Assert.Throws<SourceChangedException>(() => copy.Copy.Verify(stop, CancellationToken.None));
    }

    private static void Fill(string directory, int seed)
    {
        var random = new Random(seed);
        for (var d = 0; d < 6; d++)
        {
            var path = Path.Combine(directory, $"d{d}", "sub");
            Directory.CreateDirectory(path);
            for (var f = 0; f < 4; f++)
                File.WriteAllBytes(Path.Combine(path, $"f{f}"), new byte[random.Next(100_000)]);
        }
    }
}
