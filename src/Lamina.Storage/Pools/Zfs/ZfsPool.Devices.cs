using System.Collections.Concurrent;
using Lamina.Linux;
using Lamina.Storage.Pools.Images;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Zfs;

/// <content>
/// Volumes that are block devices: raw ones, and those with a filesystem of their own. Each is a zvol. It has its device always: to take the device away from
/// one that somebody has open fails their writes, and keeps ZFS from giving or taking any other until they have closed it.
/// </content>
internal sealed partial class ZfsPool
{
    private const int SignatureBytes = 1 << 20;

    // By the names that they had: devices that may not have learnt yet that their volumes are called otherwise.
    private readonly ConcurrentDictionary<string, (string Path, ulong Node)> _renamed = [];

    /// <inheritdoc/>
    /// <remarks>
    /// By a clone, as the snapshots themselves have no devices; so it goes on when they are deleted. Everything is read: ZFS tells of no block where it lies.
    /// </remarks>
    public BlockRanges OpenBlocks(Snapshot snapshot, Snapshot? since, long from, CancellationToken cancellationToken)
    {
        var what = $"read the blocks of snapshot '{snapshot.Name}'";
        return _edge.RunAsync(what, async () =>
        {
            var opened = new List<IDisposable>();
            try
            {
                var newer = await OpenContentAsync(snapshot, opened).ConfigureAwait(false);
                // Where there is nothing older, it is compared with zeros.
                var older = since is null ? Files.Open("/dev/null", OpenFlags.ReadOnly) : await OpenContentAsync(since, opened).ConfigureAwait(false);
                if (since is null)
                    opened.Add(older);
                var ranges = new ContentComparison(older, newer, cancellationToken).Differences(from, snapshot.Size!.Value.Bytes);
                return new BlockRanges(ranges, next => _edge.Run(what, next), [.. opened], cancellationToken);
            }
            catch
            {
                opened.ForEach(one => one.Dispose());
                throw;
            }
        }).GetAwaiter().GetResult();
    }

    private async Task<SafeFileHandle> OpenContentAsync(Snapshot snapshot, List<IDisposable> opened)
    {
        using var kept = await _structure.KeepAsync().ConfigureAwait(false);
        var (_, dataset) = GetSnapshot(snapshot.Id.Key);
        var owner = await FindOwnKeyAsync(dataset).ConfigureAwait(false);
        if (owner is { IsAvailable: false })
            throw new StorageException(StorageError.FailedPrecondition, $"snapshot {snapshot.Id} is encrypted, and can be read only while its key is loaded: while its volume, or a copy of it, is attached");
        var clone = _layout.NewIncoming(snapshot.SourceVolume.Key, isEncrypted: owner is not null);
        await _zfs.CloneAsync($"{dataset}@{snapshot.Id.Key}", clone, [("readonly", "on")]).ConfigureAwait(false);
        kept.Dispose();
        var content = new ClonedContent(this, clone);
        opened.Add(content);
        content.Device = await ZvolDevice.WaitAsync(clone, snapshot.Size!.Value, _time).ConfigureAwait(false);
        return content.Device.Handle;
    }

    // Makes the filesystem of a new one; or makes that of a copy another one to the kernel.
    private async Task PrepareDeviceAsync(string dataset, Volume volume, VolumeFileSystem fileSystem, bool isCopy)
    {
        using var device = await ZvolDevice.WaitAsync(dataset, ZvolProperties.SizeOf(volume), _time).ConfigureAwait(false);
        if (isCopy)
        {
            ImageContent.Check(device.Handle, fileSystem, volume.Source?.ToString() ?? $"a snapshot of volume {volume.Id}");
            await ImageTools.RenewAsync(fileSystem, device.Path).ConfigureAwait(false);
        }
        else
        {
            CheckBlank(device);
            await ImageTools.FormatAsync(fileSystem, device.Path).ConfigureAwait(false);
        }
        if (volume.Parameters is not { Uid: null, Gid: null, Mode: null })
        {
            using (var root = DeviceFileSystem.Open(device.Path, fileSystem))
                DeviceFileSystem.SetRoot(root, volume.Parameters);
            // Unmounting is what writes the rest, and it must be over before the device is flushed.
            if (!await device.WaitUntilFreeAsync(_time).ConfigureAwait(false))
                throw new StorageException(StorageError.FailedPrecondition, $"somebody uses {device.Path} while its filesystem is made, though nobody should know of it yet; call again");
        }
        Files.Flush(device.Handle);
    }

    // It was made a moment ago; but nothing is formatted that has not been looked at, where filesystems and partition tables have their marks.
    private static void CheckBlank(ZvolDevice device)
    {
        var block = new byte[SignatureBytes];
        foreach (var place in (ReadOnlySpan<long>)[0, Math.Max(0, device.Size - SignatureBytes)])
        {
            Files.Read(device.Handle, place, block);
            if (block.AsSpan().ContainsAnyExcept((byte)0))
                throw new StorageException(StorageError.Internal, $"{device.Name} holds data and is not formatted");
        }
    }

    private async Task<MountDescription> AttachDeviceAsync(Volume volume, string dataset)
    {
        var size = ZvolProperties.SizeOf(volume);
        await SettleAsync(dataset).ConfigureAwait(false);
        // ZFS gives the copies of an encrypted one no device when their key is loaded, which is that of their source, but when it is told so of each; and what
        // it has lost a device of by a mishap gets one again.
        if (!await HasDeviceAsync(dataset).ConfigureAwait(false))
            await _zfs.SetAsync(dataset, (ZvolProperties.Mode, ZvolProperties.Shown)).ConfigureAwait(false);
        using var device = await ZvolDevice.WaitAsync(dataset, size, _time).ConfigureAwait(false);
        ImageContent.Check(device.Handle, volume.FileSystem, $"volume {volume.Id}");
        // Mounted elsewhere it can't be grown, and is left for the next time.
        if (volume.FileSystem == VolumeFileSystem.Ext4 && ImageContent.Ext4Size(device.Handle) < size.Bytes && !device.IsClaimed)
        {
            await ImageTools.GrowExt4Async(device.Path, size).ConfigureAwait(false);
            Files.Flush(device.Handle);
        }
        return new MountDescription.Zvol(dataset, volume.FileSystem, size);
    }

    // A filesystem that is mounted has a claim on its device, wherever it is mounted. What else has one open where we can't see it, ZFS refuses to destroy.
    private async Task CheckNoDeviceAsync(Volume volume, string dataset)
    {
        string path;
        ulong number;
        using (var device = await FindDeviceAsync(dataset).ConfigureAwait(false))
        {
            if (device is null)
                return;
            if (!await device.WaitUntilFreeAsync(_time).ConfigureAwait(false))
                throw InUse($"in use as {device.Path}");
            (path, number) = (device.Path, Files.Stat(device.Handle).RepresentedDevice);
        }
        if (FindMountOfDevice(path) is { } mount)
            throw InUse($"mounted {mount}");
        if (DeviceUsers.FindLasting(number) is { } process)
            throw InUse($"open as {path} in process {process}");

        StorageException InUse(string how) => new(
            StorageError.FailedPrecondition, $"volume {volume.Id} is still {how}, most likely in a container that has not ended yet, or by something of the host that has claimed the device; end it and call again");
    }

    // Renames what is no volume any more. Another one may have its name at once, for which its device must not be taken.
    private async Task RenameAwayAsync(Volume volume, string dataset, string discarded)
    {
        var device = volume.IsImage ? await FindDeviceAsync(dataset).ConfigureAwait(false) : null;
        using (device)
        {
            if (device is not null)
                _renamed[dataset] = (device.Path, device.Node);
            try
            {
                await _zfs.RenameAsync(dataset, discarded).ConfigureAwait(false);
            }
            catch
            {
                _renamed.TryRemove(dataset, out _);
                throw;
            }
        }
    }

    // As it was, when something else has failed.
    private async Task RenameBackAsync(string discarded, string dataset)
    {
        await _zfs.RenameAsync(discarded, dataset).ConfigureAwait(false);
        _renamed.TryRemove(dataset, out _);
    }

    private async Task<ZvolDevice?> FindDeviceAsync(string dataset)
    {
        await SettleAsync(dataset).ConfigureAwait(false);
        return ZvolDevice.TryFind(dataset);
    }

    private async Task<bool> HasDeviceAsync(string dataset)
    {
        using var device = await FindDeviceAsync(dataset).ConfigureAwait(false);
        return device is not null;
    }

    private async Task SettleAsync(string dataset)
    {
        if (!_renamed.TryGetValue(dataset, out var other))
            return;
        await ZvolDevice.WaitUntilRenamedAsync(other.Path, other.Node, dataset, _time).ConfigureAwait(false);
        _renamed.TryRemove(dataset, out _);
    }

    // In words; null when nobody has it mounted that we can see.
    private static string? FindMountOfDevice(string path) => HostMounts.List()
        .Where(one => DeviceNodes.IsOf(one.Mount, path))
        .Select(HostMounts.Describe)
        .FirstOrDefault();

    // Also while it is in use: ZFS tells the kernel, and then the filesystem on it is grown.
    private async Task ResizeDeviceAsync(Volume resized, string dataset)
    {
        var size = ZvolProperties.SizeOf(resized);
        using var device = await FindDeviceAsync(dataset).ConfigureAwait(false);
        var isInUse = device is { IsClaimed: true };
        if (isInUse)
            DeviceFileSystem.CheckMayGrowInUse(resized);
        await _zfs.SetAsync(dataset, [.. DatasetProperties.SizeOf(resized)]).ConfigureAwait(false);
        if (!isInUse)
            return;
        using var grown = await ZvolDevice.WaitAsync(dataset, size, _time).ConfigureAwait(false);
        DeviceFileSystem.GrowInUse(resized, grown.Path, size);
    }

    // ZFS gives a copy the blocks of its source for ever.
    private async Task CheckBlocksAsync(Volume volume, string dataset)
    {
        if (volume.Parameters.VolumeBlockSize is not { } asked)
            return;
        var source = new ZfsObject(dataset, await _zfs.GetAsync(dataset, deep: false, [ZvolProperties.BlockSize], CancellationToken.None).ConfigureAwait(false));
        if (source.Bytes(ZvolProperties.BlockSize) is { } has && has != asked)
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"the source of volume '{volume.Name}' has blocks of {has}, and so has every copy of it, not of {asked}: leave the parameter '{VolumeParameters.VolumeBlockSizeKey}' out, or say {has}");
        }
    }

    /// <summary>What keeps a volume on a device still while it is cut; null for one that has no device, which does not change.</summary>
    private async Task<(ZvolDevice Device, DeviceHold Hold)?> HoldAsync(VolumeInUse volume, bool isOfGroup)
    {
        if (!volume.Volume.IsImage)
            return null;
        var dataset = _layout.VolumeOf(volume.Volume.Id.Key);
        if (await FindDeviceAsync(dataset).ConfigureAwait(false) is not { } device)
        {
            return volume.MountPoint is not { } mountPoint ? null : throw new StorageException(
                StorageError.FailedPrecondition, $"volume {volume.Volume.Id} is mounted at {mountPoint}, but {dataset} has no device any more; unpublish and unstage the volume, then stage it again");
        }
        if (volume.MountPoint is null && CheckDetached(volume.Volume, device, isOfGroup))
        {
            device.Dispose();
            return null;
        }
        return (device, new DeviceHold(volume, device.Path, device.Handle, _settings, _pauses));
    }

    // Whether it does not change. What is written to a raw device that nobody has mounted may be in its cache still.
    private static bool CheckDetached(Volume volume, ZvolDevice device, bool isOfGroup)
    {
        var isInUse = volume.FileSystem is null ? FindMountOfDevice(device.Path) is not null : device.IsClaimed;
        if (!isInUse || !isOfGroup)
            return !isInUse && volume.FileSystem is not null;
        var path = device.Path;
        device.Dispose();
        throw new StorageException(StorageError.FailedPrecondition,
            $"volume {volume.Id} is detached, but still in use as {path} where this host can't see it, so it can't be cut at one moment with others; end what has it and call again");
    }

    /// <summary>A clone that is there only to be read.</summary>
    private sealed class ClonedContent(ZfsPool pool, string clone) : IDisposable
    {
        internal ZvolDevice? Device { get; set; }

        public void Dispose()
        {
            Device?.Dispose();
            pool.DiscardAsync(clone).GetAwaiter().GetResult();
        }
    }
}
