using System.Text.Json.Nodes;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Pools.Overlay;

/// <summary>Records and mounts that do not agree about a volume's head, as a crash or a disk error at the wrong moment leaves them; and very deep volumes.</summary>
[Collection<Ext4Collection>]
public sealed class HeadTests(Ext4FileSystem fileSystem)
{
    [Fact]
    public async Task Load_WithASharedHeadThatIsMounted_SealsItNotBeforeItIsMountedAgain()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        await storage.SnapshotAsync("s", await storage.CreateAsync("other"));
        var head = Read(storage, "volumes/data")["head"]!.ToString();
        var path = await storage.AttachAsync(volume);
        File.WriteAllText(Path.Combine(path, "before"), "");

        // As if the volume's own record, which would have named a new head, had been lost with the power.
        Change(storage, "snapshots/s", record => record["chain"] = new JsonArray(head));
        await storage.StartAgainAsync();

        Assert.Equal(head, Read(storage, "volumes/data")["head"]!.ToString());
        await storage.DetachAsync(volume);
        path = await storage.AttachAsync(volume);
        Assert.NotEqual(head, Read(storage, "volumes/data")["head"]!.ToString());
        File.WriteAllText(Path.Combine(path, "after"), "");
        await storage.DetachAsync(volume);
        var restored = await storage.CreateAsync("restored", VolumeSource.From(storage.Snapshots.GetByNameOrId("s").Id));
        await storage.UseAsync(restored, mounted => Assert.Equal(["before"], Directory.GetFiles(mounted).Select(Path.GetFileName)));
        await storage.UseAsync(volume, mounted => Assert.Equal(["after", "before"], Directory.GetFiles(mounted).Select(Path.GetFileName).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public async Task Snapshot_OfAMountThatWritesToAnotherLayerThanTheRecordNames_IsRefusedUntilItIsMountedAgain()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        // As after a seal whose record came to the disk although its flush had failed, so that the daemon went on with the old one until it ended.
        var path = await storage.AttachAsync(volume);
        File.WriteAllText(Path.Combine(path, "f"), "1");
        const string newHead = "aaaaaaaaaaaaa";
        foreach (var part in (string[])["diff", "work"])
            Directory.CreateDirectory(Path.Combine(storage.Settings.Path, "layers", newHead, part));
        Change(storage, "volumes/data", record =>
        {
            record["chain"] = new JsonArray(record["head"]!.ToString());
            record["head"] = newHead;
        });
        await storage.StartAgainAsync();

        var refused = await Assert.ThrowsAsync<StorageException>(() => storage.SnapshotAsync("live", volume));

        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.Contains("detach the volume, attach it", refused.Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(path, "f"), "2");
        await storage.DetachAsync(volume);
        path = await storage.AttachAsync(volume);
        Assert.Equal("2", File.ReadAllText(Path.Combine(path, "f")));
        var live = await storage.SnapshotAsync("live", volume);
        await storage.DetachAsync(volume);
        var restored = await storage.CreateAsync("restored", VolumeSource.From(live.Id));
        await storage.UseAsync(restored, mounted => Assert.Equal("2", File.ReadAllText(Path.Combine(mounted, "f"))));
    }

    [Fact]
    public async Task Snapshots_OfMoreMomentsThanAVolumeMayHaveLayers_AreAllCut()
    {
        const int moments = 135;
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        Snapshot last = null!;
        for (var i = 0; i < moments; i++)
        {
            // Past the mount, as its end would have the layers merged.
            var head = Read(storage, "volumes/data")["head"]!.ToString();
            File.WriteAllText(Path.Combine(storage.Settings.Path, "layers", head, "diff", $"f{i:d3}"), "");
            last = await storage.SnapshotAsync($"s{i}", volume);
        }

        Assert.Equal(127, Read(storage, "snapshots/s126")["chain"]!.AsArray().Count);
        Assert.InRange(Read(storage, "volumes/data")["chain"]!.AsArray().Count, 1, 127);
        var deep = await storage.CreateAsync("deep", VolumeSource.From(storage.Snapshots.GetByNameOrId("s126").Id));
        var path = await storage.AttachAsync(deep);
        Assert.Equal(127, Directory.GetFiles(path).Length);
        Assert.Single(Read(storage, "volumes/deep")["chain"]!.AsArray());
        File.WriteAllText(Path.Combine(path, "one more"), "");
        var live = await storage.SnapshotAsync("live", deep);
        await storage.DetachAsync(deep);
        foreach (var (snapshot, files) in (IEnumerable<(Snapshot, int)>)[(live, 128), (last, moments)])
        {
            var restored = await storage.CreateAsync($"from-{snapshot.Name}", VolumeSource.From(snapshot.Id));
            await storage.UseAsync(restored, mounted => Assert.Equal(files, Directory.GetFiles(mounted).Length));
        }
    }

    private static string RecordOf(ScratchStorage storage, string which) => Path.Combine(storage.Settings.Path, which, "record.json");

    private static JsonNode Read(ScratchStorage storage, string which) => JsonNode.Parse(File.ReadAllText(RecordOf(storage, which)))!;

    private static void Change(ScratchStorage storage, string which, Action<JsonNode> change)
    {
        var record = Read(storage, which);
        change(record);
        File.WriteAllText(RecordOf(storage, which), record.ToJsonString());
    }
}
