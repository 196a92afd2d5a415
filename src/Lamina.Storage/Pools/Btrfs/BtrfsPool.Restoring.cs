using Lamina.Linux;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Btrfs;

internal sealed partial class BtrfsPool
{
    /// <inheritdoc/>
    /// <remarks>A whole new object changes places with the old one, which then lies in <c>incoming/</c> and goes to the trash from there.</remarks>
    public Task RestoreVolumeAsync(Volume volume, Snapshot snapshot) => TranslateAsync($"restore volume '{volume.Name}'", async () =>
    {
        using var held = await LockRecordAsync(volume.Id.Key).ConfigureAwait(false);
        var record = _volumes.Get(volume.Id.Key);
        CheckNotMounted(record);
        var source = _snapshots.Get(snapshot.Id.Key);
        using var content = OpenData(source);
        SubvolumeParameters.CheckAgainstSource(volume, content);
        _families.Add(source.Family);
        var group = _quotas.CreateGroup(volume.Size);
        try
        {
            using var staging = new StagedObject(_directory);
            Linux.Btrfs.CreateSnapshot(staging.Directory, Data, content, readOnly: false, SimpleQuotas.Inherit(group));
            using (var data = Files.OpenDirectoryAt(staging.Directory, Data))
                SubvolumeParameters.Apply(data, volume, isEmpty: false);
            _volumes.PublishInPlace(staging, new BtrfsVolumeRecord(PoolDirectory.Format, volume, source.Family, group));
        }
        catch when (ReferenceEquals(_volumes.Find(volume.Id.Key), record))
        {
            _quotas.Abandon(group);
            _trash.Wake();
            throw;
        }
        _quotas.Abandon(record.Group);
        _trash.Wake();
    });
}
