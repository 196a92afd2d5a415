using Lamina.Linux;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Images;

internal sealed partial class ImagePool
{
    /// <inheritdoc/>
    public async Task CreateVolumeAsync(Volume volume, VolumeContent source)
    {
        var what = $"create volume '{volume.Name}'";
        if (!volume.IsImage)
        {
            _edge.Run(what, () => CheckFreeElsewhere(VolumesName, volume.Id.Key));
            await _inner.CreateVolumeAsync(volume, source).ConfigureAwait(false);
            return;
        }
        await _edge.RunAsync(what, async () =>
        {
            CheckFreeElsewhere("volumes", volume.Id.Key);
            _volumes.CheckFree(volume.Id.Key);
            using var staging = new StagedObject(_directory);
            using (var image = Make(staging.Directory, Image))
            {
                if (source is VolumeContent.Empty)
                    await FormatAsync(image, volume).ConfigureAwait(false);
                else
                    await CopyAsync(image, volume, source).ConfigureAwait(false);
                if (volume.FileSystem is { } fileSystem)
                    SetRoot(image, fileSystem, volume.Parameters);
                Files.Flush(image);
            }
            _volumes.Publish(staging, new ImageVolumeRecord(PoolDirectory.Format, volume));
        }).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task DeleteVolumeAsync(Volume volume) => !volume.IsImage ? _inner.DeleteVolumeAsync(volume) : _edge.RunAsync($"delete volume '{volume.Name}'", () =>
    {
        var record = _volumes.Get(volume.Id.Key);
        using (var image = OpenImage(_volumes, record.Key, $"volume {volume.Id}"))
            CheckNoDevice(volume, ImageDevice.FindLasting(image));
        _volumes.Discard(record.Key);
        _wakeTrash();
        return Task.CompletedTask;
    });

    /// <inheritdoc/>
    /// <remarks>A whole new object changes places with the old one, which then lies in <c>incoming/</c> and goes to the trash from there.</remarks>
    public Task RestoreVolumeAsync(Volume volume, Snapshot snapshot) => !volume.IsImage ? _inner.RestoreVolumeAsync(volume, snapshot) : _edge.RunAsync($"restore volume '{volume.Name}'", async () =>
    {
        var record = _volumes.Get(volume.Id.Key);
        using (var image = OpenImage(_volumes, record.Key, $"volume {volume.Id}"))
            CheckNoDevice(volume, ImageDevice.FindLasting(image));
        using (var staging = new StagedObject(_directory))
        {
            using (var image = Make(staging.Directory, Image))
            {
                await CopyAsync(image, volume with { Source = VolumeSource.From(snapshot.Id) }, new VolumeContent.OfSnapshot(snapshot)).ConfigureAwait(false);
                Files.Flush(image);
            }
            _volumes.PublishInPlace(staging, new ImageVolumeRecord(PoolDirectory.Format, volume));
        }
        _wakeTrash();
    });

    /// <inheritdoc/>
    /// <remarks>First the room, then the device, then the filesystem in it, and then the record: what it promises is there.</remarks>
    public Task ResizeVolumeAsync(Volume resized) => !resized.IsImage ? _inner.ResizeVolumeAsync(resized) : _edge.RunAsync($"resize volume '{resized.Name}'", () =>
    {
        var record = _volumes.Get(resized.Id.Key);
        var size = SizeOf(resized);
        using (var image = OpenImage(_volumes, record.Key, $"volume {resized.Id}", OpenFlags.ReadWrite))
        {
            if (Files.Stat(image).Size < size.Bytes)
            {
                Files.SetLength(image, size.Bytes);
                Files.Flush(image);
            }
            using var loop = ImageDevice.Open(image, ImageDevice.Find);
            if (loop is not null)
            {
                loop.SetCapacity();
                DeviceFileSystem.GrowInUse(resized, loop.Path, size);
            }
        }
        _volumes.Replace(record with { Volume = resized });
        return Task.CompletedTask;
    });

    /// <inheritdoc/>
    public Task UnlockAsync(Volume volume, VolumeKey? key) => volume.IsImage ? Task.CompletedTask : _inner.UnlockAsync(volume, key);

    /// <inheritdoc/>
    public Task<MountDescription> AttachAsync(Volume volume) => !volume.IsImage ? _inner.AttachAsync(volume) : _edge.RunAsync<MountDescription>($"attach volume '{volume.Name}'", async () =>
    {
        // What follows goes by path, which must not be that of another disk by now.
        _directory.CheckInPlace();
        var record = _volumes.Get(volume.Id.Key);
        var size = SizeOf(record.Volume);
        var path = Path.Combine(_volumes.PathOf(record.Key), Image);
        using (var image = OpenImage(_volumes, record.Key, $"volume {volume.Id}"))
        {
            ImageContent.Check(image, record.Volume.FileSystem, $"volume {volume.Id}");
            if (Files.Stat(image).Size < size.Bytes)
            {
                throw new StorageException(StorageError.DataLoss,
                    $"the image of volume {volume.Id} has {Files.Stat(image).Size} bytes, less than the volume's {size.Bytes}; nothing was touched");
            }
            // Mounted elsewhere it can't be grown, and is left for the next time.
            if (record.Volume.FileSystem == VolumeFileSystem.Ext4 && ImageContent.Ext4Size(image) < size.Bytes / ImageContent.Ext4Unit * ImageContent.Ext4Unit && ImageDevice.FindLasting(image) is null)
            {
                await ImageTools.GrowExt4Async(path, size).ConfigureAwait(false);
                Files.Flush(image);
            }
        }
        return new MountDescription.Image(_volumes.PathOf(record.Key), Image, record.Volume.FileSystem, size);
    });

    /// <inheritdoc/>
    public Task ModifyVolumeAsync(Volume modified) => !modified.IsImage
        ? _inner.ModifyVolumeAsync(modified)
        : throw new StorageException(StorageError.Unsupported, $"volume {modified.Id} is an image: it has no attributes");

    /// <inheritdoc/>
    public void FoundAttached(Volume volume)
    {
        if (!volume.IsImage)
            _inner.FoundAttached(volume);
    }

    /// <inheritdoc/>
    public void FoundAllAttached() => _inner.FoundAllAttached();

    /// <inheritdoc/>
    public Task DetachedAsync(Volume volume) => volume.IsImage ? Task.CompletedTask : _inner.DetachedAsync(volume);

    /// <inheritdoc/>
    public VolumeUsage? GetUsage(Volume volume)
    {
        if (!volume.IsImage)
            return _inner.GetUsage(volume);
        return TakenBy(_volumes, volume.Id.Key) is { } taken ? new VolumeUsage(taken, null, _time.GetUtcNow()) : null;
    }

    /// <inheritdoc/>
    public ByteSize? GetHeadroom(Volume volume) => volume.IsImage ? null : _inner.GetHeadroom(volume);

    /// <inheritdoc/>
    public VolumeFigures GetFigures(Volume volume)
    {
        if (!volume.IsImage)
            return _inner.GetFigures(volume);
        var taken = TakenBy(_volumes, volume.Id.Key);
        return new VolumeFigures { Referenced = taken, Exclusive = _sharesBlocks == false ? taken : null };
    }

    private static ByteSize SizeOf(Volume volume) =>
        volume.Size ?? throw new StorageException(StorageError.InvalidArgument, $"volume '{volume.Name}' is an image and needs a size");

    // Some mount namespace, or a process that has the device open, still uses it.
    private static void CheckNoDevice(Volume volume, LoopStatus? loop)
    {
        if (loop is not null)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume {volume.Id} is still in use as {loop.Path}, most likely in a container that has not ended yet, or by a process that has the device open; end it and call again") { ChangedNothing = true };
        }
    }
}
