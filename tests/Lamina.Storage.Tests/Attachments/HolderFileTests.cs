using Lamina.Testing;

namespace Lamina.Storage.Tests.Attachments;

/// <summary>What a daemon does with holders that it can't read.</summary>
[Collection<Ext4Collection>]
public sealed class HolderFileTests(Ext4FileSystem fileSystem)
{
    [Fact]
    public async Task Holder_OfAKindThatOnlyALaterVersionKnows_KeepsItsVolumeMounted()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        await storage.AttachAsync(volume);
        var file = ChangeHolder(storage, "\"User\"", "\"Sandbox\"");
        await storage.StartAgainAsync();

        Assert.NotNull(storage.Attachments.MountPointOf(volume.Id));
        Assert.True(File.Exists(file));
        var refused = await Assert.ThrowsAsync<StorageException>(() => storage.Volumes.DeleteAsync(volume.Id, CancellationToken.None));
        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.Contains(file, refused.Message, StringComparison.Ordinal);

        // Whoever it is can end it: the file's name says who it was.
        await storage.DetachAsync(volume);
        Assert.Null(storage.Attachments.MountPointOf(volume.Id));
        Assert.False(File.Exists(file));
        await storage.Volumes.DeleteAsync(volume.Id, CancellationToken.None);
    }

    [Fact]
    public async Task Holder_OfAnEarlierBoot_IsDropped()
    {
        await using var storage = await ScratchStorage.StartAsync(fileSystem.NewDirectory());
        var volume = await storage.CreateAsync("data");
        await storage.AttachAsync(volume);
        var file = ChangeHolder(storage, "\"bootId\": \"", "\"bootId\": \"other-");
        await storage.StartAgainAsync();

        Assert.Null(storage.Attachments.MountPointOf(volume.Id));
        Assert.False(File.Exists(file));
    }

    private static string ChangeHolder(ScratchStorage storage, string old, string @new)
    {
        var file = Assert.Single(Directory.GetFiles(Path.Combine(storage.RuntimeDirectory, "holders"), "*.json", SearchOption.AllDirectories));
        var text = File.ReadAllText(file);
        Assert.Contains(old, text, StringComparison.Ordinal);
        File.WriteAllText(file, text.Replace(old, @new, StringComparison.Ordinal));
        return file;
    }
}
