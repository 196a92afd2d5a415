using Lamina.Linux;
using Lamina.Storage.Pools.Directories;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Btrfs;

internal sealed partial class BtrfsPool
{
    /// <inheritdoc/>
    public Task CreateVolumeAsync(Volume volume, VolumeContent source) => TranslateAsync($"create volume '{volume.Name}'", async () =>
    {
        _volumes.CheckFree(volume.Id.Key);
        SubvolumeParameters.Check(volume);
        switch (source)
        {
            case VolumeContent.OfSnapshot of:
                var snapshot = _snapshots.Get(of.Snapshot.Id.Key);
                using (var data = OpenData(snapshot))
                    CopyVolume(volume, snapshot.Family, data);
                break;
            case VolumeContent.OfVolume of:
                WriteBack(of.Volume.MountPoint);
                using (await LockRecordAsync(of.Volume.Volume.Id.Key).ConfigureAwait(false))
                {
                    var original = _volumes.Get(of.Volume.Volume.Id.Key);
                    using var data = OpenData(original);
                    SubvolumeTree.CheckNothingNested(data, original.Volume.Id);
                    using var widened = _quotas.WidenForCut(original.Group, original.Volume.Size);
                    CopyVolume(volume, original.Family, data);
                }
                break;
            default:
                Build(volume, FamilyId.NewRandom(), (directory, group) => Linux.Btrfs.CreateSubvolume(directory, Data, SimpleQuotas.Inherit(group)), isEmpty: true);
                break;
        }
    });

    /// <inheritdoc/>
    public Task DeleteVolumeAsync(Volume volume) => TranslateAsync($"delete volume '{volume.Name}'", async () =>
    {
        using var held = await LockRecordAsync(volume.Id.Key).ConfigureAwait(false);
        var record = _volumes.Get(volume.Id.Key);
        CheckNotMounted(record);
        _volumes.Discard(record.Key);
        _quotas.Abandon(record.Group);
        _trash.Wake();
    });

    /// <inheritdoc/>
    public Task ResizeVolumeAsync(Volume resized) => TranslateAsync($"resize volume '{resized.Name}'", async () =>
    {
        using var held = await LockRecordAsync(resized.Id.Key).ConfigureAwait(false);
        var record = _volumes.Get(resized.Id.Key);
        _quotas.Resize(record.Group, record.Volume.Size, resized.Size);
        _volumes.Replace(record with { Volume = resized });
    });

    /// <inheritdoc/>
    public Task ModifyVolumeAsync(Volume modified) => TranslateAsync($"modify volume '{modified.Name}'", async () =>
    {
        using var held = await LockRecordAsync(modified.Id.Key).ConfigureAwait(false);
        var record = _volumes.Get(modified.Id.Key);
        using var data = OpenData(record);
        SubvolumeParameters.Check(modified);
        SubvolumeCompression.CheckPossible(data, modified);
        // First the files and then the record: whoever was cut off in between finds the old one, and does all of it again.
        SubvolumeCompression.Change(data, SubvolumeParameters.CompressionOf(modified));
        _directory.FlushBefore();
        _volumes.Replace(record with { Volume = modified });
    });

    /// <inheritdoc/>
    public Task<MountDescription> AttachAsync(Volume volume) => TranslateAsync<MountDescription>($"attach volume '{volume.Name}'", () =>
    {
        _directory.CheckInPlace();
        // However often a subvolume is mounted, it is one tree to the kernel: nothing to be checked for.
        var record = _volumes.Get(volume.Id.Key);
        OpenData(record).Dispose();
        return Task.FromResult<MountDescription>(new MountDescription.Bind(_volumes.PathOf(record.Key), Data));
    });

    /// <inheritdoc/>
    public void FoundAttached(Volume volume)
    {
    }

    /// <inheritdoc/>
    public Task DetachedAsync(Volume volume) => Task.CompletedTask;

    private void CheckNotMounted(BtrfsVolumeRecord record)
    {
        using var data = OpenData(record);
        if (_mounts.Find(SubvolumeTree.Ids(data)) is { } mount)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume {record.Volume.Id} is still mounted {mount}, most likely in a container that has not ended yet; end it and call again") { ChangedNothing = true };
        }
    }

    private void CopyVolume(Volume volume, FamilyId family, SafeFileHandle source)
    {
        SubvolumeParameters.CheckAgainstSource(volume, source);
        Build(
            volume,
            family,
            (directory, group) => Linux.Btrfs.CreateSnapshot(directory, Data, source, readOnly: false, SimpleQuotas.Inherit(group)),
            isEmpty: false);
    }

    private void Build(Volume volume, FamilyId family, Action<SafeFileHandle, ulong?> make, bool isEmpty)
    {
        // Counted first, and after a failure until the next load: to think too many share blocks does no harm, to think too few does.
        _families.Add(family);
        var group = _quotas.CreateGroup(volume.Size);
        try
        {
            using var staging = new StagedObject(_directory);
            make(staging.Directory, group);
            using (var data = Files.OpenDirectoryAt(staging.Directory, Data))
                SubvolumeParameters.Apply(data, volume, isEmpty);
            _volumes.Publish(staging, new BtrfsVolumeRecord(PoolDirectory.Format, volume, family, group));
        }
        catch when (_volumes.Find(volume.Id.Key) is null)
        {
            _quotas.Abandon(group);
            _trash.Wake();
            throw;
        }
    }
}
