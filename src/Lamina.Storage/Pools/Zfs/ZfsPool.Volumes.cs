using System.Collections.Concurrent;
using Lamina.Linux;

namespace Lamina.Storage.Pools.Zfs;

internal sealed partial class ZfsPool
{
    // Snapshots that something is being made of just now, so that nobody takes them for left over.
    private readonly ConcurrentDictionary<string, bool> _copyPoints = [];

    /// <inheritdoc/>
    public Task CreateVolumeAsync(Volume volume, VolumeContent source) => _edge.RunAsync($"create volume '{volume.Name}'", async () =>
    {
        DatasetProperties.Check(volume, _zfs.Dialect);
        // Only until it is made: a clone keeps its snapshot, and the filesystem of a large one may be looked through for minutes.
        using var kept = await _structure.KeepAsync().ConfigureAwait(false);
        switch (source)
        {
            case VolumeContent.OfSnapshot of:
                var (_, dataset) = GetSnapshot(of.Snapshot.Id.Key);
                await CloneAsync(volume, dataset, of.Snapshot.Id.Key.ToString(), of.Snapshot.Size, of.Key, kept).ConfigureAwait(false);
                break;
            case VolumeContent.OfVolume of:
                await CopyAsync(volume, of.Volume, of.Key, kept).ConfigureAwait(false);
                break;
            case { Key: null } when volume.Parameters.Encryption is not null:
                throw new StorageException(StorageError.InvalidArgument, $"volume '{volume.Name}' is to be encrypted, and there is no key: give it by the secret '{VolumeKey.SecretName}'");
            case { Key: { } key } when volume.Parameters.Encryption is { } encryption:
                await CreateEncryptedAsync(volume, encryption, key).ConfigureAwait(false);
                break;
            default:
                await BuildAsync(volume, DatasetProperties.OfNew(volume), isCopy: false, (name, properties) => _zfs.CreateAsync(name, DatasetProperties.ShapeOf(volume), properties)).ConfigureAwait(false);
                break;
        }
        _volumes[volume.Id.Key] = volume;
    });

    /// <inheritdoc/>
    /// <remarks>A dataset that others live from stays, where no user sees it, until none does: see the trash.</remarks>
    public Task DeleteVolumeAsync(Volume volume) => _edge.RunAsync($"delete volume '{volume.Name}'", async () =>
    {
        var (dataset, discarded) = (PlaceOf(volume), _layout.NewTrash(volume.Id.Key, volume.Parameters.Encryption is not null));
        await CheckUnusedAsync(volume, dataset).ConfigureAwait(false);
        using (await HoldPathsAsync(dataset).ConfigureAwait(false))
        {
            await RenameAwayAsync(volume, dataset, discarded).ConfigureAwait(false);
            MoveSnapshots(one => one.Dataset == dataset, discarded);
        }
        _volumes.TryRemove(volume.Id.Key, out _);
        _rounds.Wake();
    });

    /// <inheritdoc/>
    /// <remarks>The size is the limit that ZFS enforces, and there is no other record of it.</remarks>
    public Task ResizeVolumeAsync(Volume resized) => _edge.RunAsync($"resize volume '{resized.Name}'", async () =>
    {
        var dataset = PlaceOf(resized);
        await (resized.IsImage ? ResizeDeviceAsync(resized, dataset) : SetSizeAsync(dataset, resized)).ConfigureAwait(false);
        _volumes[resized.Id.Key] = resized;
    });

    /// <inheritdoc/>
    public Task ModifyVolumeAsync(Volume modified) => _edge.RunAsync($"modify volume '{modified.Name}'", async () =>
    {
        DatasetProperties.Check(modified, _zfs.Dialect);
        // Several properties in one command are not one step: it goes on with the others when one is refused. So what says which were asked for comes after.
        foreach (var part in (IEnumerable<(string Name, string Value)>[])[DatasetProperties.SettingsOf(modified), DatasetProperties.NamesOf(modified.Attributes)])
        {
            if (part.Any())
                await _zfs.SetAsync(PlaceOf(modified), [.. part]).ConfigureAwait(false);
        }
        _volumes[modified.Id.Key] = modified;
    });

    /// <inheritdoc/>
    public Task<MountDescription> AttachAsync(Volume volume) => _edge.RunAsync<MountDescription>($"attach volume '{volume.Name}'", async () =>
    {
        if (!_volumes.ContainsKey(volume.Id.Key))
            throw new StorageException(StorageError.NotFound, $"there is no '{_layout.VolumeOf(volume.Id.Key)}' in pool '{_settings.Name}'");
        var dataset = PlaceOf(volume);
        // However often a dataset is mounted, it is one tree to ZFS; what it does not allow it refuses by itself.
        return volume.IsImage ? await AttachDeviceAsync(volume, dataset).ConfigureAwait(false) : new MountDescription.Dataset(_zfs, _edge, dataset);
    });

    /// <inheritdoc/>
    public void FoundAttached(Volume volume)
    {
        if (volume.Parameters.Encryption is not null)
            _unlocked.TryAdd(volume.Id.Key, null);
    }

    /// <inheritdoc/>
    public void FoundAllAttached()
    {
        _knowsAttached = true;
        _rounds.Wake();
    }

    /// <inheritdoc/>
    public async Task DetachedAsync(Volume volume)
    {
        if (volume.Parameters.Encryption is not null)
        {
            using var changing = await _structure.ChangeAsync().ConfigureAwait(false);
            _unlocked.TryRemove(volume.Id.Key, out _);
            await LockAsync(_layout.VolumeOf(volume.Id.Key)).ConfigureAwait(false);
        }
        // What it uses by now.
        _rounds.Wake();
    }

    // ZFS sets nothing aside beyond the limit, so the limit is raised first; and taken back where there is not so much to set aside.
    private async Task SetSizeAsync(string dataset, Volume resized)
    {
        (string Name, string Value)[] wanted = [.. DatasetProperties.SizeOf(resized)];
        await _zfs.SetAsync(dataset, wanted[0]).ConfigureAwait(false);
        try
        {
            foreach (var property in wanted[1..])
                await _zfs.SetAsync(dataset, property).ConfigureAwait(false);
        }
        catch (ZfsFailure)
        {
            if (_volumes.TryGetValue(resized.Id.Key, out var before))
                await TryTakeBackAsync(dataset, DatasetProperties.SizeOf(before).First()).ConfigureAwait(false);
            throw;
        }
    }

    // Somebody may have written up to the new limit already. Then it stays, and the failure is told all the same.
    private async Task TryTakeBackAsync(string dataset, (string Name, string Value) property)
    {
        try
        {
            await _zfs.SetAsync(dataset, property).ConfigureAwait(false);
        }
        catch (ZfsFailure e)
        {
            _logger.NotInOrder(_settings.Name, $"{dataset} keeps a larger limit than its volume's size: {e.Message}");
        }
    }

    // A promotion may be giving the dataset snapshots just now, so whether it has some is asked where none can come.
    private async Task<IDisposable> HoldPathsAsync(string dataset)
    {
        var kept = await _structure.KeepAsync().ConfigureAwait(false);
        if (!_snapshots.Values.Any(one => one.Dataset == dataset))
            return kept;
        kept.Dispose();
        return await _structure.ChangeAsync().ConfigureAwait(false);
    }

    private async Task CopyAsync(Volume volume, VolumeInUse source, VolumeKey? key, IDisposable kept)
    {
        var (dataset, name) = (PlaceOf(source.Volume), ZfsLayout.NewTrashSnapshot());
        var point = $"{dataset}@{name}";
        _copyPoints[point] = true;
        try
        {
            await TakeCopyPointAsync(point, source).ConfigureAwait(false);
            await CloneAsync(volume, dataset, name, source.Volume.Size, key, kept).ConfigureAwait(false);
        }
        catch
        {
            _rounds.Wake();
            throw;
        }
        finally
        {
            _copyPoints.TryRemove(point, out _);
        }
    }

    private async Task TakeCopyPointAsync(string point, VolumeInUse source)
    {
        (string Name, string Value)[] properties = [(ZfsRecords.CopyPoint, Description.Id.ToString())];
        if (await HoldAsync(source, isOfGroup: false).ConfigureAwait(false) is not var (device, hold))
        {
            WriteBack(source.Volume.IsImage ? null : source.MountPoint);
            await _zfs.SnapshotAsync([point], properties).ConfigureAwait(false);
            return;
        }
        using (device)
        using (hold)
        {
            hold.Prepare();
            hold.Hold();
            hold.BeforeCut();
            await _zfs.SnapshotAsync([point], properties).ConfigureAwait(false);
            hold.LetGo();
            hold.Finish();
        }
    }

    // ZFS makes a dataset by one step and gives it properties, and so its record, by another. So it is made aside, and the rename is the step.
    private async Task BuildAsync(Volume volume, IEnumerable<(string Name, string Value)> settings, bool isCopy, Func<string, IEnumerable<(string Name, string Value)>, Task> make)
    {
        var place = _layout.VolumeOf(volume.Id.Key);
        (string Name, string Value)[] properties = [.. settings, .. ZfsRecords.Of(volume)];
        var staged = _layout.NewIncoming(volume.Id.Key, volume.Parameters.Encryption is not null);
        await make(staged, properties).ConfigureAwait(false);
        try
        {
            if (volume.FileSystem is { } fileSystem)
                await PrepareDeviceAsync(staged, volume, fileSystem, isCopy).ConfigureAwait(false);
            else if (volume.Parameters is not { Uid: null, Gid: null, Mode: null })
                await SetRootAsync(staged, volume.Parameters).ConfigureAwait(false);
            await _zfs.RenameAsync(staged, place).ConfigureAwait(false);
        }
        catch
        {
            await DiscardAsync(staged).ConfigureAwait(false);
            throw;
        }
    }

    private async Task SetRootAsync(string dataset, VolumeParameters parameters)
    {
        var target = Path.Combine(_runtime, $"{Description.Id}.{Directories.RandomName.New()}");
        Files.MakeDirectories(target, 0x1C0);
        try
        {
            await _zfs.MountAsync(dataset, target).ConfigureAwait(false);
            using var root = Files.OpenDirectory(target);
            var status = Files.Stat(root);
            Files.ChangeOwner(root, parameters.Uid ?? status.Uid, parameters.Gid ?? status.Gid);
            // Also after a change of the owner: chown(2) takes the set-id bits away.
            Files.ChangeMode(root, parameters.Mode ?? status.Mode);
            Files.Flush(root);
        }
        catch
        {
            TryClearTarget(target);
            throw;
        }
        ClearTarget(target);
    }

    // What a daemon left that was killed while it set the owner of a root. The name of the pool is in it, so nobody else is at it just now.
    private void ClearTargets()
    {
        if (!Directory.Exists(_runtime))
            return;
        foreach (var left in Directory.EnumerateDirectories(_runtime, $"{Description.Id}.*"))
            TryClearTarget(left);
    }

    // What led here is the failure to tell; the next start tries again.
    private void TryClearTarget(string target)
    {
        try
        {
            ClearTarget(target);
        }
        catch (Exception e) when (e is StorageException or LinuxException)
        {
            _logger.NotInOrder(_settings.Name, $"{target} could not be removed: {e.Message}");
        }
    }

    private void ClearTarget(string target)
    {
        if (MountTable.Read().FindTop(target) is not null && !Attachments.Unmounting.TryUnmount(target))
            throw new StorageException(StorageError.FailedPrecondition, $"the new dataset is in use at {target}, though nobody should know of it yet; see: fuser -vm {target}");
        using var parent = Files.OpenDirectory(_runtime);
        Files.RemoveDirectory(parent, Path.GetFileName(target));
    }

    // What is written through memory stays with the kernel until somebody asks for it.
    private static void WriteBack(string? mountPoint)
    {
        if (mountPoint is null)
            return;
        using var root = Files.OpenDirectory(mountPoint);
        Files.FlushFileSystem(root);
    }

    private async Task CheckUnusedAsync(Volume volume, string dataset)
    {
        if (volume.IsImage)
        {
            await CheckNoDeviceAsync(volume, dataset).ConfigureAwait(false);
            return;
        }
        if (ZfsMounts.Find(dataset) is { } mount)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume {volume.Id} is still mounted {mount}, most likely in a container that has not ended yet; end it and call again") { ChangedNothing = true };
        }
    }
}
