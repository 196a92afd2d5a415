using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Cuts;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Guest.Tests;

/// <summary>Volumes of a ZFS pool that are block devices, beyond what every pool promises of such.</summary>
[Collection<ZfsCollection>]
public sealed class ZvolTests(ZfsFileSystem fileSystem) : IAsyncLifetime
{
    private static readonly VolumeKey s_key = VolumeKey.Find([new(VolumeKey.SecretName, "correct horse battery")])!;
    private ZfsScratchPool _scratch = null!;

    private IPool Pool => _scratch.Pool;

    public async ValueTask InitializeAsync() => _scratch = await ZfsScratchPool.CreateAsync(fileSystem);

    public ValueTask DisposeAsync() => _scratch.DisposeAsync();

    [Fact]
    public async Task Group_OfDirectoriesDevicesAndFileSystemsInUse_IsOneCutThatStopsNobody()
    {
        Volume[] volumes =
        [
            await CreateAsync("raw", null), await CreateAsync("other", null), await CreateAsync("ext4", VolumeFileSystem.Ext4), await _scratch.CreateAsync("tree", ByteSize.FromMebibytes(32)),
        ];
        volumes = [.. volumes.OrderBy(volume => volume.Id)];
        foreach (var volume in volumes)
        {
            await _scratch.AttachAsync(volume);
            Write(volume, "then");
        }
        var group = SnapshotGroupMembership.Of("all", volumes.Select(volume => volume.Id));
        var snapshots = new List<Snapshot>();
        var cuts = new List<ISnapshotCut>();
        await using var disposal = new Disposal(cuts);
        foreach (var volume in volumes)
        {
            var record = _scratch.NewSnapshot(volume, volume.Name) with { Id = group.Members[cuts.Count], Group = group };
            cuts.Add(await Pool.BeginSnapshotAsync(record, _scratch.InUse(volume)));
        }

        var moment = await _scratch.Cuts.RunAsync(cuts);
        foreach (var cut in cuts)
            snapshots.Add(await cut.PublishAsync(moment));
        await disposal.DisposeAsync();

        // Who writes to a raw device can't be stopped: without an error nobody was.
        Assert.Null(moment.Pause);
        Assert.Single((await CreationsAsync(snapshots)).Distinct());
        foreach (var (volume, snapshot) in volumes.Zip(snapshots))
        {
            Write(volume, "now");
            Assert.Equal("then", await ReadAsync(await _scratch.RestoreAsync(snapshot, $"{volume.Name}-2")));
        }
        Assert.Equal(4, (await _scratch.ReopenAsync()).Snapshots.Count);
    }

    [Fact]
    public async Task Device_OfTheNameOfADeletedOne_IsNotTakenForIt()
    {
        var volume = await CreateAsync("a", null);
        await WriteAsync(volume, "old");
        // It stays, as something lives from it.
        var snapshot = await _scratch.SnapshotAsync(volume, "s");
        await Pool.DeleteVolumeAsync(volume);

        volume = await CreateAsync("a", null);
        Assert.Equal("", (await ReadAsync(volume)).TrimEnd('\0'));
        await WriteAsync(volume, "new");

        Assert.Equal("old", await ReadAsync(await _scratch.RestoreAsync(snapshot, "b")));
        Assert.Equal("new", await ReadAsync(volume));
    }

    // ZFS makes devices behind the scenes, one after another and by their names, which change while the volumes are made.
    [Fact]
    public async Task Devices_OfManyVolumesMadeAtOnce_AreThere()
    {
        var volumes = await Task.WhenAll(Enumerable.Range(0, 16).Select(number => CreateAsync($"v{number}", number % 4 == 0 ? VolumeFileSystem.Ext4 : null)));

        foreach (var volume in volumes)
            await WriteAsync(volume, volume.Name);
        foreach (var volume in volumes)
            Assert.Equal(volume.Name, await ReadAsync(volume));
    }

    // It was grown, and the daemon was killed before it said so, or its filesystem could not be.
    [Theory]
    [InlineData(null)]
    [InlineData(VolumeFileSystem.Xfs)]
    public async Task Device_LargerThanItsVolume_IsUsedCutAndCopied(VolumeFileSystem? kind)
    {
        var volume = await CreateAsync("a", kind);
        await WriteAsync(volume, "then");
        await ZfsFileSystem.RunAsync("set", $"volsize={volume.Size!.Value.Bytes * 2}", $"{_scratch.Dataset}/volumes/a");

        Assert.Equal("then", await ReadAsync(volume));
        Assert.Equal("then", await ReadAsync(await _scratch.RestoreAsync(await _scratch.SnapshotAsync(volume, "s"), "b")));
    }

    // Nobody has it open just now; but without its key its device would go, and whoever has its node would open the next one of that number.
    [Fact]
    public async Task Encrypted_DeviceThatIsAttachedOverARestart_KeepsItsKeyUntilItIsDetached()
    {
        var volume = await CreateAsync("a", null, VolumeParameters.None with { Encryption = "aes-256-gcm" }, new VolumeContent.Empty { Key = s_key });
        await Pool.UnlockAsync(volume, s_key);
        await _scratch.AttachAsync(volume);
        Write(volume, "one");

        await _scratch.ReopenAsync();
        await CreateAsync("b", null);

        Write(volume, "two");
        await _scratch.DetachAsync(volume);
        await LockedAsync(volume);
        await UnlockedAsync(volume, async () => Assert.Equal("two", await ReadAsync(volume)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(VolumeFileSystem.Ext4)]
    [InlineData(VolumeFileSystem.Xfs)]
    public async Task Restore_InPlace_IsOfTheSnapshotAtOnce(VolumeFileSystem? kind)
    {
        var volume = await CreateAsync("a", kind);
        await WriteAsync(volume, "then");
        var snapshot = await _scratch.SnapshotAsync(volume, "s");
        await WriteAsync(volume, "now");
        volume = volume with { Size = new ByteSize(volume.Size!.Value.Bytes + (64 << 20)) };
        await Pool.ResizeVolumeAsync(volume);

        await Pool.RestoreVolumeAsync(volume, snapshot);

        Assert.Equal("then", await ReadAsync(volume));
        Assert.Equal(volume.Size, Assert.Single((await _scratch.ReopenAsync()).Volumes).Size);
        await Pool.DeleteSnapshotAsync(snapshot);
        await _scratch.TrashEmptiesAsync();
    }

    [Theory]
    [InlineData(VolumeFileSystem.Ext4)]
    [InlineData(VolumeFileSystem.Xfs)]
    public async Task FileSystem_ThatIsThereNoMore_IsNeverMadeAgain(VolumeFileSystem kind)
    {
        var volume = await CreateAsync("a", kind);
        await DeviceAsync(volume, device => Files.WriteAll(device, 0, new byte[1 << 20]));

        var refused = await Assert.ThrowsAsync<StorageException>(() => Pool.AttachAsync(volume));

        Assert.Equal(StorageError.DataLoss, refused.Error);
        await DeviceAsync(volume, device =>
        {
            var content = new byte[1 << 20];
            Files.Read(device, 0, content);
            Assert.False(content.AsSpan().ContainsAnyExcept((byte)0));
        });
    }

    [Fact]
    public async Task Device_OpenSomewhereElse_IsNeitherDeletedNorDetached()
    {
        var volume = await CreateAsync("a", null);
        var snapshot = await _scratch.SnapshotAsync(volume, "s");
        var mounted = await _scratch.AttachAsync(volume);
        var (path, _) = await PathAsync(volume);

        using (Files.Open(path, OpenFlags.ReadOnly))
        {
            Assert.False(mounted.TryUnmountDevice());
            var refused = await Assert.ThrowsAsync<StorageException>(() => Pool.DeleteVolumeAsync(volume));
            Assert.Equal(StorageError.FailedPrecondition, refused.Error);
            Assert.True((await Assert.ThrowsAsync<StorageException>(() => Pool.RestoreVolumeAsync(volume, snapshot))).ChangedNothing);
        }

        await _scratch.DetachAsync(volume);
        using (Files.Open(path, OpenFlags.ReadOnly))
            await Assert.ThrowsAsync<StorageException>(() => Pool.DeleteVolumeAsync(volume));
        await Pool.DeleteVolumeAsync(volume);
        await Pool.DeleteSnapshotAsync(snapshot);
        await _scratch.TrashEmptiesAsync();
    }

    [Fact]
    public async Task Device_ReadOnly_IsNotWrittenTo()
    {
        var volume = await CreateAsync("a", null);
        var mounted = await _scratch.AttachAsync(volume);

        DeviceNodes.SetReadOnly(mounted.Path, volume.Id.Key, readOnly: true);
        using (var device = Files.Open(mounted.Path, OpenFlags.ReadWrite))
            Assert.Equal(Errno.EPERM, Assert.Throws<LinuxException>(() => Files.WriteAll(device, 0, new byte[512])).Errno);

        DeviceNodes.SetReadOnly(mounted.Path, volume.Id.Key, readOnly: false);
        Write(volume, "one");
    }

    [Fact]
    public async Task Device_WithItsSizeSetAside_HasMoreThanItsSize()
    {
        var volume = await CreateAsync("a", null, VolumeParameters.Parse([new("reserve", "true"), new("volblocksize", "8K"), new("compression", "zle")]));
        var copy = await _scratch.CreateAsync(
            _scratch.NewVolume("b", volume.Size) with { Kind = VolumeKind.Block, Parameters = volume.Parameters }, new VolumeContent.OfVolume(new VolumeInUse(volume, null)));

        foreach (var one in (Volume[])[volume, copy])
        {
            Assert.True(await SetAsideAsync(one) > one.Size!.Value.Bytes);
            Assert.Equal("8192 zle", await PropertiesAsync(one, "volblocksize,compression"));
        }
        var before = await SetAsideAsync(copy);
        await Pool.ResizeVolumeAsync(copy with { Size = new ByteSize(copy.Size!.Value.Bytes * 2) });
        Assert.True(await SetAsideAsync(copy) > before);
        Assert.Equal("0 16384", await PropertiesAsync(await CreateAsync("c", null), "refreservation,volblocksize"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(VolumeFileSystem.Ext4)]
    public async Task Encrypted_Device_IsReadWithItsKeyAloneAndSoIsItsCopy(VolumeFileSystem? kind)
    {
        var parameters = VolumeParameters.None with { Encryption = "aes-256-gcm" };
        var volume = await CreateAsync("a", kind, parameters, new VolumeContent.Empty { Key = s_key });
        await UnlockedAsync(volume, () => WriteAsync(volume, "then"));
        var snapshot = await _scratch.SnapshotAsync(volume, "s");
        if (kind is null)
            Assert.Equal(StorageError.FailedPrecondition, Assert.Throws<StorageException>(() => Pool.OpenBlocks(snapshot, null, 0, CancellationToken.None)).Error);
        var copy = await _scratch.CreateAsync(
            _scratch.NewVolume("b", volume.Size, VolumeSource.From(snapshot.Id)) with { Kind = volume.Kind, FileSystem = kind, Parameters = parameters }, new VolumeContent.OfSnapshot(snapshot) { Key = s_key });

        // What was loaded to make the copy goes behind the scenes.
        await LockedAsync(volume);
        Assert.Equal(StorageError.FailedPrecondition, (await Assert.ThrowsAsync<StorageException>(() => Pool.UnlockAsync(copy, null))).Error);
        await UnlockedAsync(copy, async () => Assert.Equal("then", await ReadAsync(copy)));
        await UnlockedAsync(volume, () => WriteAsync(volume, "now"));
        await UnlockedAsync(copy, async () => Assert.Equal("then", await ReadAsync(copy)));

        // Nobody gives a key for going back in place, and what is on the device can't be looked at without.
        if (kind is not null)
        {
            Assert.Equal(StorageError.FailedPrecondition, (await Assert.ThrowsAsync<StorageException>(() => Pool.RestoreVolumeAsync(volume, snapshot))).Error);
            await UnlockedAsync(volume, async () => Assert.Equal("now", await ReadAsync(volume)));
            return;
        }
        await Pool.RestoreVolumeAsync(volume, snapshot);
        await UnlockedAsync(volume, async () => Assert.Equal("then", await ReadAsync(volume)));
    }

    // They hold devices open, so they must not be left when a test fails.
    private sealed class Disposal(List<ISnapshotCut> cuts) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            foreach (var cut in cuts)
                await cut.DisposeAsync();
            cuts.Clear();
        }
    }

    private async Task<Volume> CreateAsync(string name, VolumeFileSystem? kind, VolumeParameters? parameters = null, VolumeContent? content = null) => await _scratch.CreateAsync(
        _scratch.NewVolume(name, ByteSize.FromMebibytes(kind == VolumeFileSystem.Xfs ? 304 : 64)) with
        {
            Kind = kind is null ? VolumeKind.Block : VolumeKind.Filesystem, FileSystem = kind, Parameters = parameters ?? VolumeParameters.None,
        },
        content ?? new VolumeContent.Empty());

    private Task LockedAsync(Volume volume) => Eventually.TrueAsync(() => PropertiesAsync(volume, "keystatus").GetAwaiter().GetResult() == "unavailable", "its key goes");

    private async Task UnlockedAsync(Volume volume, Func<Task> use)
    {
        await Pool.UnlockAsync(volume, s_key);
        await use();
    }

    private Task WriteAsync(Volume volume, string content) => _scratch.UseAsync(volume, _ => Write(volume, content));

    private async Task<string> ReadAsync(Volume volume)
    {
        var content = "";
        await _scratch.UseAsync(volume, mounted => content = Read(volume, mounted));
        return content;
    }

    private void Write(Volume volume, string content)
    {
        var path = _scratch.InUse(volume).MountPoint!;
        if (volume.Kind == VolumeKind.Filesystem)
        {
            File.WriteAllText(Path.Combine(path, "file"), content);
            return;
        }
        using var device = Files.Open(path, OpenFlags.WriteOnly);
        Files.WriteAll(device, 1 << 20, System.Text.Encoding.UTF8.GetBytes(content.PadRight(512)));
    }

    private static string Read(Volume volume, MountedVolume mounted)
    {
        if (volume.Kind == VolumeKind.Filesystem)
            return File.ReadAllText(mounted.At("file"));
        using var device = Files.Open(mounted.Path, OpenFlags.ReadOnly);
        var content = new byte[512];
        Files.Read(device, 1 << 20, content);
        return System.Text.Encoding.UTF8.GetString(content).TrimEnd();
    }

    // As udev links it, which may take a moment.
    private async Task<(string Path, string Dataset)> PathAsync(Volume volume)
    {
        var dataset = $"{_scratch.Dataset}/volumes/{volume.Id.Key}";
        await Eventually.TrueAsync(() => File.Exists($"/dev/zvol/{dataset}"), "it has a device");
        return ($"/dev/zvol/{dataset}", dataset);
    }

    private async Task DeviceAsync(Volume volume, Action<Microsoft.Win32.SafeHandles.SafeFileHandle> use)
    {
        using var device = Files.Open((await PathAsync(volume)).Path, OpenFlags.ReadWrite);
        use(device);
        Files.Flush(device);
    }

    private async Task<long> SetAsideAsync(Volume volume) => long.Parse(await PropertiesAsync(volume, "refreservation"), null);

    private async Task<string> PropertiesAsync(Volume volume, string names) => string.Join(' ',
        (await ZfsFileSystem.RunAsync("get", "-Hp", "-o", "value", names, $"{_scratch.Dataset}/volumes/{volume.Id.Key}")).Split('\n', StringSplitOptions.RemoveEmptyEntries));

    // In the pool's own count: what one command has cut has one.
    private async Task<IEnumerable<string>> CreationsAsync(IEnumerable<Snapshot> snapshots)
    {
        var keys = snapshots.Select(snapshot => $"@{snapshot.Id.Key}\t").ToList();
        var lines = await ZfsFileSystem.RunAsync("get", "-Hp", "-r", "-t", "snapshot", "-o", "name,value", "createtxg", _scratch.Dataset);
        return lines.Split('\n').Where(line => keys.Exists(key => line.Contains(key, StringComparison.Ordinal))).Select(line => line.Split('\t')[1]);
    }
}
