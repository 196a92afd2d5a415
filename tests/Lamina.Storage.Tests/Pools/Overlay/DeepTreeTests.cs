using System.Text.Json.Nodes;
using Lamina.Linux;
using Lamina.Storage.Pools.Overlay;
using Lamina.Testing;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Tests.Pools.Overlay;

/// <summary>Trees that are deeper than any path can name: whoever may write to a volume can make one.</summary>
[Collection<Ext4Collection>]
public sealed class DeepTreeTests(Ext4FileSystem fileSystem)
{
    [Fact]
    public async Task Snapshot_InUse_OfATreeTooDeep_IsRefusedAndTheVolumeGoesOn()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        var path = await storage.AttachAsync(volume);
        using (var root = Files.OpenDirectory(path))
            MakeDeep(root, LayerTree.MaxDepth + 1);

        var refused = await Assert.ThrowsAsync<StorageException>(() => storage.SnapshotAsync("live", volume));

        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.Contains("levels deep", refused.Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(path, "after"), "");
        await storage.DetachAsync(volume);
        await storage.SnapshotAsync("detached", volume);
    }

    [Fact]
    public async Task Attach_OfAsManyLayersAsAVolumeMayHaveThatCantBeMerged_MountsThemAsTheyAre()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        for (var i = 0; i < 130; i++)
        {
            // Past the mount, as its end would have the layers merged.
            var head = JsonNode.Parse(File.ReadAllText(Path.Combine(storage.Settings.Path, "volumes/data/record.json")))!["head"]!.ToString();
            var diff = Path.Combine(storage.Settings.Path, "layers", head, "diff");
            File.WriteAllText(Path.Combine(diff, $"f{i}"), "");
            if (i == 0)
            {
                using var root = Files.OpenDirectory(diff);
                MakeDeep(root, LayerTree.MaxDepth + 1);
            }
            await storage.SnapshotAsync($"s{i}", volume);
        }

        await storage.UseAsync(volume, path => Assert.Equal(130, Directory.GetFiles(path).Length));
    }

    [Fact]
    public void Merge_OfTreesAtTheLimit_IsDoneAndBeyondItRefused()
    {
        var directory = fileSystem.NewDirectory();
        using var upper = Make(directory, "upper");
        using var lower = Make(directory, "lower");
        MakeDeep(lower, LayerTree.MaxDepth);
        using (var merged = Make(directory, "merged"))
        {
            LayerMerge.Run(upper, lower, merged, isBottom: true, CancellationToken.None);
            Assert.Equal("d", Assert.Single(Files.List(merged)).Name);
        }

        using var deeper = Make(directory, "deeper");
        MakeDeep(deeper, LayerTree.MaxDepth + 1);
        using var refused = Make(directory, "refused");
        Assert.Equal(
            StorageError.FailedPrecondition,
            Assert.Throws<StorageException>(() => LayerMerge.Run(upper, deeper, refused, isBottom: true, CancellationToken.None)).Error);
    }

    private static SafeFileHandle Make(string directory, string name) => Files.OpenDirectory(Directory.CreateDirectory(Path.Combine(directory, name)).FullName);

    private static void MakeDeep(SafeFileHandle root, int levels)
    {
        var current = root;
        for (var level = 0; level < levels; level++)
        {
            Files.MakeDirectory(current, "d", 0x1C0);
            var next = Files.OpenDirectoryAt(current, "d");
            if (!ReferenceEquals(current, root))
                current.Dispose();
            current = next;
        }
        current.Dispose();
    }
}
