using Lamina.Linux;
using Lamina.Testing;

namespace Lamina.Storage.Tests.Groups;

/// <summary>Groups with image volumes: raw devices, whose writers nobody can stop, and filesystems that are frozen.</summary>
[Collection<GroupsCollection>]
public sealed class GroupImageTests(Ext4FileSystem ext4, XfsFileSystem xfs, BtrfsFileSystem btrfs) : IAsyncLifetime
{
    private readonly GroupPools _pools = new(ext4, xfs, btrfs);
    private ScratchStorage _storage = null!;

    public async ValueTask InitializeAsync() => _storage = await _pools.StartAsync("xfs", "ext4");

    public ValueTask DisposeAsync() => _storage.DisposeAsync();

    [Fact]
    public async Task Group_OfADeviceAndFileSystems_IsOneMomentWithoutStoppingAnybody()
    {
        var (device, first, second) = (await NewAsync("device", VolumeKind.Block), await NewAsync("first", fileSystem: "ext4"), await NewAsync("second", fileSystem: "xfs"));
        var (path, firstPath, secondPath) = (await _storage.AttachAsync(device), await _storage.AttachAsync(first), await _storage.AttachAsync(second));
        WriteDevice(path, "device");
        File.WriteAllText(Path.Combine(firstPath, "file"), "first");
        File.WriteAllText(Path.Combine(secondPath, "file"), "second");
        // One who could not be stopped: it is this process.
        using var open = Files.Open(path, OpenFlags.ReadWrite);

        var group = await _storage.GroupAsync("g", device, first, second);
        WriteDevice(path, "later");
        File.WriteAllText(Path.Combine(firstPath, "file"), "later");

        Assert.Single(group.Snapshots.Select(snapshot => snapshot.CreatedAt).Distinct());
        Assert.Equal([null, VolumeFileSystem.Ext4, VolumeFileSystem.Xfs], group.Snapshots.Select(snapshot => snapshot.FileSystem));
        Assert.Equal([true, false, false], group.Snapshots.Select(snapshot => snapshot.Pause is null));
        Assert.Equal("device", await ReadAsync(group.Snapshots[0], ReadDevice));
        Assert.Equal("first", await ReadAsync(group.Snapshots[1], ReadFile));
        Assert.Equal("second", await ReadAsync(group.Snapshots[2], ReadFile));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_storage.RuntimeDirectory, "pauses")));
    }

    [Theory]
    [InlineData(VolumeKind.Block)]
    [InlineData(VolumeKind.Filesystem)]
    public async Task Group_OfADeviceAndWhatIsNotFrozen_IsRefusedByName(VolumeKind other)
    {
        var (device, second) = (await NewAsync("device", VolumeKind.Block), await NewAsync("second", other));
        await _storage.AttachAsync(device);
        await _storage.AttachAsync(second);

        var refused = await Assert.ThrowsAsync<StorageException>(() => _storage.GroupAsync("g", device, second));

        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.Contains("raw device", refused.Message, StringComparison.Ordinal);
        Assert.Contains(device.Id.ToString(), refused.Message, StringComparison.Ordinal);
        Assert.Contains(second.Id.ToString(), refused.Message, StringComparison.Ordinal);
        Assert.Empty(_storage.Catalog.Snapshots());
        await Eventually.TrueAsync(() => !Directory.EnumerateFileSystemEntries(Path.Combine(_storage.PathOf(GroupPools.NameOf("xfs")), "incoming")).Any(), "nothing is left");
        // Either one detached does not change, and what is left is one moment by itself.
        await _storage.DetachAsync(device);
        Assert.Equal(2, (await _storage.GroupAsync("g", device, second)).Snapshots.Count);
    }

    [Fact]
    public async Task Group_WithOneThatOthersHaveFrozen_IsRefusedAndTheRestIsThawed()
    {
        var (first, second) = (await NewAsync("first", fileSystem: "ext4"), await NewAsync("second", fileSystem: "ext4"));
        var (path, other) = (await _storage.AttachAsync(first), await _storage.AttachAsync(second));
        using (var root = Files.OpenDirectory(other))
        {
            FileSystemFreeze.Freeze(root);
            try
            {
                var refused = await Assert.ThrowsAsync<StorageException>(() => _storage.GroupAsync("g", first, second));
                Assert.Contains(second.Id.ToString(), refused.Message, StringComparison.Ordinal);
            }
            finally
            {
                // Would fail if ours had thawed it.
                FileSystemFreeze.Thaw(root);
            }
        }

        File.WriteAllText(Path.Combine(path, "file"), "content");
        Assert.Empty(_storage.Catalog.Snapshots());
        Assert.Equal(2, (await _storage.GroupAsync("g", first, second)).Snapshots.Count);
    }

    [Fact]
    public async Task Group_WithOneThatIsInUseElsewhere_IsRefused()
    {
        var (first, second) = (await NewAsync("first", fileSystem: "ext4"), await NewAsync("second"));
        using (OtherMountNamespace.Hold(await _storage.AttachAsync(first)))
        {
            await _storage.DetachAsync(first);

            var refused = await Assert.ThrowsAsync<StorageException>(() => _storage.GroupAsync("g", first, second));

            Assert.Equal(StorageError.FailedPrecondition, refused.Error);
            Assert.Contains($"volume {first.Id} is detached, but still in use", refused.Message, StringComparison.Ordinal);
        }
        Assert.Equal(2, (await _storage.GroupAsync("g", first, second)).Snapshots.Count);
    }

    [Fact]
    public async Task Group_WithAnImageInUseWhereNothingIsShared_IsRefused()
    {
        var (first, second) = (await NewAsync("first", fileSystem: "ext4", pool: "ext4"), await NewAsync("second"));
        await _storage.AttachAsync(first);

        var refused = await Assert.ThrowsAsync<StorageException>(() => _storage.GroupAsync("g", first, second));

        Assert.Contains("ext4 shares no blocks", refused.Message, StringComparison.Ordinal);
        await _storage.DetachAsync(first);
        Assert.Equal(2, (await _storage.GroupAsync("g", first, second)).Snapshots.Count);
    }

    private static void WriteDevice(string path, string content)
    {
        using var device = Files.Open(path, OpenFlags.WriteOnly);
        Files.WriteAll(device, 4096, System.Text.Encoding.UTF8.GetBytes(content.PadRight(16)));
    }

    private static string ReadDevice(string path)
    {
        using var device = Files.Open(path, OpenFlags.ReadOnly);
        var content = new byte[16];
        Files.Read(device, 4096, content);
        return System.Text.Encoding.UTF8.GetString(content).TrimEnd();
    }

    private static string ReadFile(string path) => File.ReadAllText(Path.Combine(path, "file"));

    private Task<Volume> NewAsync(string name, VolumeKind kind = VolumeKind.Filesystem, string? fileSystem = null, string pool = "xfs", VolumeSource? source = null) => _storage.Volumes.CreateAsync(
        new VolumeRequest
        {
            Name = name,
            Door = Door.Cli,
            Pool = GroupPools.NameOf(pool),
            Kind = kind,
            FileSystem = fileSystem,
            Source = source,
            Size = SizeRange.AtLeast(source is null ? ByteSize.FromMebibytes(fileSystem == "xfs" ? 300 : 32) : null),
        },
        CancellationToken.None);

    private async Task<string> ReadAsync(Snapshot snapshot, Func<string, string> read)
    {
        var restored = await NewAsync($"look-{snapshot.Id.Key}", snapshot.Kind, source: VolumeSource.From(snapshot.Id));
        var content = "";
        await _storage.UseAsync(restored, path => content = read(path));
        return content;
    }
}
