using System.Text.Json.Nodes;
using Lamina.Linux;
using Lamina.Storage.Attachments;
using Lamina.Storage.Pools.Overlay;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

/// <summary>The life of volumes and snapshots through the services, on a real filesystem.</summary>
public abstract class OverlayLifeCycle(ScratchFileSystem fileSystem)
{
    [Fact]
    public async Task Volume_WrittenAndStartedAgain_KeepsItsData()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        await storage.UseAsync(volume, path => File.WriteAllText(Path.Combine(path, "f"), "kept"));
        await storage.StartAgainAsync();
        Assert.Equal("kept", await storage.ReadAsync(storage.Volumes.Get(volume.Id), "f"));
    }

    [Fact]
    public async Task Snapshot_VolumeChangedAndDeleted_StaysAsItWas()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        await storage.UseAsync(volume, path => File.WriteAllText(Path.Combine(path, "f"), "before"));
        var snapshot = await storage.SnapshotAsync("snap", volume);
        await storage.UseAsync(volume, path =>
        {
            File.WriteAllText(Path.Combine(path, "f"), "after");
            File.WriteAllText(Path.Combine(path, "g"), "new");
        });
        await storage.Volumes.DeleteAsync(volume.Id, CancellationToken.None);

        var restored = await storage.CreateAsync("restored", VolumeSource.From(snapshot.Id));
        Assert.Equal("before", await storage.ReadAsync(restored, "f"));
        await storage.UseAsync(restored, path => Assert.False(File.Exists(Path.Combine(path, "g"))));
        await storage.Snapshots.DeleteAsync(snapshot.Id, CancellationToken.None);
        await storage.StartAgainAsync();
        Assert.Equal("before", await storage.ReadAsync(storage.Volumes.Get(restored.Id), "f"));
    }

    [Fact]
    public async Task Clone_SourceChangedAfterwards_HasTheOldData()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        await storage.UseAsync(volume, path => File.WriteAllText(Path.Combine(path, "f"), "one"));
        var clone = await storage.CreateAsync("clone", VolumeSource.From(volume.Id));
        await storage.UseAsync(volume, path => File.WriteAllText(Path.Combine(path, "f"), "two"));
        await storage.UseAsync(clone, path => File.AppendAllText(Path.Combine(path, "f"), "+"));
        Assert.Equal("one+", await storage.ReadAsync(clone, "f"));
        Assert.Equal("two", await storage.ReadAsync(volume, "f"));
    }

    [Fact]
    public async Task Chain_DeeperThanTheLimit_IsMergedAndLooksTheSame()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        await storage.UseAsync(volume, path => Directory.CreateDirectory(Path.Combine(path, "dé漢0")));
        for (var i = 0; i < 36; i++)
        {
            await storage.UseAsync(volume, path =>
            {
                // A renamed directory (redirect), a file that goes (whiteout), one that is made again in its place, one that stays.
                Directory.Move(Path.Combine(path, $"dé漢{i}"), Path.Combine(path, $"dé漢{i + 1}"));
                File.WriteAllText(Path.Combine(path, $"dé漢{i + 1}", $"f{i}"), $"{i}");
                if (i > 2)
                    File.Delete(Path.Combine(path, $"dé漢{i + 1}", $"f{i - 3}"));
            });
            await storage.SnapshotAsync($"s{i}", volume);
        }
        await storage.UseAsync(volume, _ => { });

        var layers = Path.Combine(storage.Settings.Path, "volumes", "data", "record.json");
        await Eventually.TrueAsync(() => File.ReadAllText(layers).Split('"').Length < 60, "the record names few layers");
        await Eventually.TrueAsync(() => storage.UsageOf(volume) is not null, "what the merged layer takes is known");
        await storage.UseAsync(volume, path =>
        {
            Assert.Equal(["dé漢36"], Directory.GetFileSystemEntries(path).Select(Path.GetFileName));
            Assert.Equal(["f33", "f34", "f35"], Directory.GetFiles(Path.Combine(path, "dé漢36")).Select(Path.GetFileName).Order());
            Assert.Equal("34", File.ReadAllText(Path.Combine(path, "dé漢36", "f34")));
        });
        var old = await storage.CreateAsync("old", VolumeSource.From(storage.Snapshots.GetByNameOrId("s10").Id));
        await storage.UseAsync(old, path => Assert.Equal(["f10", "f8", "f9"], Directory.GetFiles(Path.Combine(path, "dé漢11")).Select(Path.GetFileName).Order()));
    }

    [Fact]
    public async Task Delete_Attached_IsRefusedAndLosesNothing()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        var path = await storage.AttachAsync(volume);
        File.WriteAllText(Path.Combine(path, "f"), "here");
        var refused = await Assert.ThrowsAsync<StorageException>(() => storage.Volumes.DeleteAsync(volume.Id, CancellationToken.None));
        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.Equal("here", File.ReadAllText(Path.Combine(path, "f")));
    }

    [Fact]
    public async Task Snapshot_Attached_HoldsWhatWasWrittenBefore()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        await storage.UseAsync(volume, path => File.WriteAllText(Path.Combine(path, "below"), "below"));
        await storage.SnapshotAsync("first", volume);
        var mounted = await storage.AttachAsync(volume);
        File.WriteAllText(Path.Combine(mounted, "f"), "before");
        File.Delete(Path.Combine(mounted, "below"));
        var snapshot = await storage.SnapshotAsync("second", volume);
        File.WriteAllText(Path.Combine(mounted, "f"), "after");
        await storage.DetachAsync(volume);

        var restored = await storage.CreateAsync("restored", VolumeSource.From(snapshot.Id));
        Assert.Equal("before", await storage.ReadAsync(restored, "f"));
        await storage.UseAsync(restored, path => Assert.Equal(["f"], Directory.EnumerateFileSystemEntries(path).Select(Path.GetFileName)));
        Assert.Equal("after", await storage.ReadAsync(volume, "f"));
    }

    [Fact]
    public async Task Delete_Volume_EmptiesTheTrash()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        await storage.UseAsync(volume, path => File.WriteAllBytes(Path.Combine(path, "f"), new byte[1 << 20]));
        await storage.Volumes.DeleteAsync(volume.Id, CancellationToken.None);
        await storage.Volumes.DeleteAsync(volume.Id, CancellationToken.None);
        await Eventually.TrueAsync(
            () => !Directory.EnumerateFileSystemEntries(Path.Combine(storage.Settings.Path, "trash")).Any(), "the trash is empty");
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(storage.Settings.Path, "layers")));
    }

    [Fact]
    public async Task Load_UnreadableRecord_IsReportedAndNothingIsSwept()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        var record = Path.Combine(storage.Settings.Path, "volumes", "data", "record.json");
        var json = File.ReadAllText(record);
        File.WriteAllText(record, "{ broken");
        await storage.StartAgainAsync();

        Assert.Single(storage.Pools.Loaded.Single().Unreadable);
        var layer = Assert.Single(Directory.GetDirectories(Path.Combine(storage.Settings.Path, "layers")));
        Assert.Equal(StorageError.DataLoss, Assert.Throws<StorageException>(() => storage.Volumes.Get(volume.Id)).Error);
        Assert.Equal(StorageError.DataLoss, (await Assert.ThrowsAsync<StorageException>(() => storage.Volumes.DeleteAsync(volume.Id, CancellationToken.None))).Error);
        Assert.Equal(StorageError.DataLoss, (await Assert.ThrowsAsync<StorageException>(() => storage.CreateAsync("data"))).Error);

        File.WriteAllText(record, json);
        await storage.StartAgainAsync();
        Assert.Equal(volume, storage.Volumes.Get(volume.Id));
        Assert.True(Directory.Exists(layer));
    }

    [Theory]
    [InlineData("volumes/data", "volume.size.bytes", "-1")]
    [InlineData("volumes/data", "chain", "null")]
    [InlineData("snapshots/s", "chain", "null")]
    [InlineData("snapshots/s", "chain", "[]")]
    public async Task Load_RecordThatCantBeTrue_IsReportedAndTheRestIsServed(string which, string member, string value)
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data", size: ByteSize.FromMebibytes(10));
        await storage.UseAsync(volume, mount => File.WriteAllText(Path.Combine(mount, "f"), "x"));
        await storage.SnapshotAsync("s", volume);
        await storage.CreateAsync("other");
        var record = Path.Combine(storage.Settings.Path, which, "record.json");
        var json = File.ReadAllText(record);
        var changed = JsonNode.Parse(json)!;
        var path = member.Split('.');
        var parent = path[..^1].Aggregate(changed, (node, name) => node[name]!);
        Assert.NotNull(parent[path[^1]]);
        parent[path[^1]] = JsonNode.Parse(value);
        File.WriteAllText(record, changed.ToJsonString());
        await storage.StartAgainAsync();

        var unreadable = Assert.Single(storage.Pools.Loaded.Single().Unreadable);
        Assert.Equal(which, unreadable.Path);
        Assert.NotNull(storage.Volumes.GetByNameOrId("other"));

        File.WriteAllText(record, json);
        await storage.StartAgainAsync();
        Assert.Empty(storage.Pools.Loaded.Single().Unreadable);
    }

    [Fact]
    public async Task Create_FromADeepSnapshot_IsMergedWithoutBeingAttached()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        var path = await storage.AttachAsync(volume);
        Snapshot? last = null;
        for (var i = 0; i <= ChainMerger.MergeAbove; i++)
        {
            // A live cut deepens the snapshot and not the volume, so each generation is made of the one before.
            File.WriteAllText(Path.Combine(path, $"f{i}"), $"{i}");
            last = await storage.SnapshotAsync($"s{i}", volume);
            await storage.DetachAsync(volume);
            volume = await storage.CreateAsync($"data{i}", VolumeSource.From(last.Id));
            path = await storage.AttachAsync(volume);
        }
        await storage.DetachAsync(volume);

        var deep = await storage.CreateAsync("deep", VolumeSource.From(last!.Id));

        var record = Path.Combine(storage.Settings.Path, "volumes", "deep", "record.json");
        await Eventually.TrueAsync(() => LayersIn(record) <= 2, "the new volume lies on few layers");
        await storage.UseAsync(deep, path => Assert.Equal("0", File.ReadAllText(Path.Combine(path, "f0"))));
    }

    private static int LayersIn(string record) => JsonNode.Parse(File.ReadAllText(record))!["chain"]!.AsArray().Count + 1;

    [Fact]
    public async Task Load_LeftoversOfACrash_AreGone()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        await storage.CreateAsync("data");
        var pool = storage.Settings.Path;
        Directory.CreateDirectory(Path.Combine(pool, "incoming", "halfway", "deep"));
        Directory.CreateDirectory(Path.Combine(pool, "layers", "aaaaaaaaaaaaa", "diff", "x"));
        await storage.StartAgainAsync();
        await Eventually.TrueAsync(() => !Directory.EnumerateFileSystemEntries(Path.Combine(pool, "trash")).Any(), "the trash is empty");
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(pool, "incoming")));
        Assert.Single(Directory.GetDirectories(Path.Combine(pool, "layers")));
        Assert.Single(storage.Catalog.Volumes());
    }

    [Fact]
    public async Task Create_EightTimesAtOnce_MakesOneVolume()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volumes = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => storage.CreateAsync("data", size: ByteSize.FromMebibytes(10))));
        Assert.Single(volumes.Distinct());
        var refused = await Assert.ThrowsAsync<StorageException>(() => storage.CreateAsync("data", size: ByteSize.FromMebibytes(20)));
        Assert.Equal(StorageError.AlreadyExists, refused.Error);
    }

    [Fact]
    public async Task Publish_ReadOnlyAndThroughARestart_IsUnpublishedAfterwards()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        var directory = TestScratch.NewDirectory("pod");
        var target = IStorageValue<MountTarget>.Parse(Path.Combine(directory, "target"));
        var request = new PublishRequest { Target = target, Door = Door.Csi, ReadOnly = true };
        await storage.Attachments.PublishAsync(volume.Id, request, CancellationToken.None);
        await storage.Attachments.PublishAsync(volume.Id, request, CancellationToken.None);
        Assert.Throws<IOException>(() => File.WriteAllText($"{target}/f", "x"));

        await storage.StartAgainAsync();
        Assert.Single(storage.Attachments.HoldersOf(volume.Id));
        await storage.Attachments.UnpublishAsync(volume.Id, Door.Csi, target, CancellationToken.None);
        await storage.Attachments.UnpublishAsync(volume.Id, Door.Csi, target, CancellationToken.None);
        Assert.False(Directory.Exists(target.ToString()));
        Assert.Null(storage.Attachments.MountPointOf(volume.Id));
    }

    [Fact]
    public async Task Publish_TargetIsASymbolicLink_IsRefusedAndTouchesNothing()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        var directory = TestScratch.NewDirectory("pod");
        var victim = TestScratch.NewDirectory("victim");
        File.CreateSymbolicLink(Path.Combine(directory, "target"), victim);
        foreach (var path in (string[])["target", "target/inner"])
        {
            var request = new PublishRequest { Target = IStorageValue<MountTarget>.Parse(Path.Combine(directory, path)), Door = Door.Csi };
            var refused = await Assert.ThrowsAsync<StorageException>(() => storage.Attachments.PublishAsync(volume.Id, request, CancellationToken.None));
            Assert.Equal(StorageError.InvalidArgument, refused.Error);
        }
        Assert.Empty(Directory.EnumerateFileSystemEntries(victim));
    }

    [Fact]
    public async Task Open_SecondDaemon_IsRefused()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var refused = Assert.Throws<StorageException>(() => storage.Opener.Open(storage.Settings));
        Assert.Equal(StorageError.Unavailable, refused.Error);
        Assert.Contains("another daemon", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Usage_OfASnapshotWhoseVolumeIsGone_IsKnownAfterAStart()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        await storage.UseAsync(volume, path => File.WriteAllBytes(Path.Combine(path, "f"), new byte[100_000]));
        var snapshot = await storage.SnapshotAsync("snap", volume);
        await storage.Volumes.DeleteAsync(volume.Id, CancellationToken.None);
        await storage.StartAgainAsync();

        await Eventually.TrueAsync(() => storage.UsageOf(snapshot)?.Exclusive?.Bytes >= 100_000, "what the snapshot takes is known");
    }

    [Fact]
    public async Task Usage_OfASealedLayer_IsRememberedAndNotMeasuredAgain()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        await storage.UseAsync(volume, path => File.WriteAllBytes(Path.Combine(path, "f"), new byte[100_000]));
        var snapshot = await storage.SnapshotAsync("snap", volume);
        await storage.Volumes.DeleteAsync(volume.Id, CancellationToken.None);
        string[] Remembered() => Directory.GetFiles(Path.Combine(storage.Settings.Path, "layers"), "measure.json", SearchOption.AllDirectories);
        await Eventually.TrueAsync(() => Remembered().Length == 1, "the sealed layer's measure is remembered");

        // A value that no walk would find.
        File.WriteAllText(Remembered()[0], """{"bytes":123456789,"inodes":1,"at":"2020-01-01T00:00:00+00:00"}""");
        await storage.StartAgainAsync();
        await Eventually.TrueAsync(() => storage.UsageOf(snapshot)?.Exclusive?.Bytes == 123456789, "what was remembered is used");

        // What a power cut left of it is no reason to know nothing.
        File.WriteAllText(Remembered()[0], "{");
        await storage.StartAgainAsync();
        await Eventually.TrueAsync(() => storage.UsageOf(snapshot)?.Exclusive?.Bytes is >= 100_000 and < 200_000, "it is measured again");
    }

    [Fact]
    public async Task Trash_WithAMountInIt_KeepsAllOfThatEntryAndRemovesTheOthers()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        // Made outside: the trash may be looked at as soon as the pool is loaded.
        var made = fileSystem.NewDirectory();
        var entry = Path.Combine(storage.Settings.Path, "trash", "entry");
        var mountPoint = Path.Combine("z", "mounted");
        Directory.CreateDirectory(Path.Combine(made, mountPoint));
        for (var i = 0; i < 20; i++)
            File.WriteAllText(Path.Combine(made, $"f{i}"), "");
        using (var source = Files.Open(TestScratch.NewDirectory(), OpenFlags.Path | OpenFlags.Directory))
        using (var tree = Mounts.CloneTree(source))
            Mounts.Attach(tree, Path.Combine(made, mountPoint));
        try
        {
            Directory.Move(made, entry);
            for (var round = 0; round < 2; round++)
            {
                var volume = await storage.CreateAsync($"v{round}");
                await storage.Volumes.DeleteAsync(volume.Id, CancellationToken.None);
                await Eventually.TrueAsync(() => Directory.GetDirectories(Path.Combine(storage.Settings.Path, "trash")).Length == 1, "the others are gone");
            }
            Assert.Equal(21, Directory.GetFileSystemEntries(entry).Length);
        }
        finally
        {
            Mounts.Unmount(Path.Combine(Directory.Exists(made) ? made : entry, mountPoint));
        }
        await storage.StartAgainAsync();
        await Eventually.TrueAsync(() => !Directory.Exists(entry), "it goes when nothing is mounted there");
    }
}
