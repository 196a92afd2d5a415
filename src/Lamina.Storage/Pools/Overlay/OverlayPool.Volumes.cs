using System.Collections.Immutable;
using Lamina.Storage.Operations;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Overlay;

internal sealed partial class OverlayPool
{
    /// <inheritdoc/>
    public Task CreateVolumeAsync(Volume volume, VolumeContent source) => TranslateAsync($"create volume '{volume.Name}'", async () =>
    {
        _volumes.CheckFree(volume.Id.Key);

        // The chain comes with a reference for the new volume, so that it stays whatever happens to its source.
        var (chain, root) = await ReferenceContentAsync(source).ConfigureAwait(false);
        var layers = chain.AsEnumerable();
        try
        {
            var head = _layers.Create(root.With(volume.Parameters));
            layers = layers.Prepend(head);
            var project = _quotas.Limit(head, volume.Size);
            var record = new OverlayVolumeRecord(PoolDirectory.Format, volume, head, chain, project);
            using var staging = new StagedObject(_directory);
            _volumes.Publish(staging, record);
            _usage.Measure([head]);
            _usage.Sealed(chain);
            MergeIfDeep(record);
        }
        catch when (_volumes.Find(volume.Id.Key) is null)
        {
            Release(layers);
            throw;
        }
    });

    /// <inheritdoc/>
    public Task DeleteVolumeAsync(Volume volume) => TranslateAsync($"delete volume '{volume.Name}'", async () =>
    {
        using var held = await LockRecordAsync(volume.Id.Key).ConfigureAwait(false);
        var record = _volumes.Get(volume.Id.Key);
        CheckNotMounted(record);
        _volumes.Discard(record.Key);
        _quotas.Drop(record.Project);
        _usage.Discard(record.Head);
        Release(record.Chain.Add(record.Head));
    });

    /// <inheritdoc/>
    public Task ResizeVolumeAsync(Volume resized) => TranslateAsync($"resize volume '{resized.Name}'", async () =>
    {
        using var held = await LockRecordAsync(resized.Id.Key).ConfigureAwait(false);
        var record = _volumes.Get(resized.Id.Key);
        _quotas.Raise(record.Project, resized.Size);
        _volumes.Replace(record with { Volume = resized });
    });

    /// <inheritdoc/>
    public Task ModifyVolumeAsync(Volume modified) =>
        throw new StorageException(StorageError.Unsupported, $"volume {modified.Id} lies in an overlay2 pool, whose volumes have no attributes that can be changed");

    /// <inheritdoc/>
    public Task<MountDescription> AttachAsync(Volume volume) => TranslateAsync<MountDescription>($"attach volume '{volume.Name}'", async () =>
    {
        using var held = await LockRecordAsync(volume.Id.Key).ConfigureAwait(false);
        _directory.CheckInPlace();
        var record = _volumes.Get(volume.Id.Key);
        StorageTrace.Run("probe_in_use", () => CheckNotMounted(record));
        record = MergeIfFull(IsHeadShared(record) ? StorageTrace.Run("seal_head", () => SealHead(record)) : record);
        _merger.Attached(record.Key);
        _usage.Attached(record.Head);
        return _layers.Describe(record.Head, record.Chain);
    });

    /// <inheritdoc/>
    public Task DetachedAsync(Volume volume)
    {
        _merger.Detached(volume.Id.Key);
        if (_volumes.Find(volume.Id.Key) is { } record)
        {
            _usage.Detached(record.Head);
            MergeIfDeep(record);
        }
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void FoundAttached(Volume volume)
    {
        _merger.Attached(volume.Id.Key);
        if (_volumes.Find(volume.Id.Key) is { } record)
            _usage.Attached(record.Head);
    }

    // After a detach, and after a creation: what is made of snapshots of what was made of snapshots would lie ever deeper.
    private void MergeIfDeep(OverlayVolumeRecord record)
    {
        if (record.Chain.Length > ChainMerger.MergeAbove)
            _merger.Enqueue(record.Key);
    }

    private Task<IDisposable> LockRecordAsync(ObjectKey key) => _records.AcquireAsync([LockKey.Volume(key)], CancellationToken.None);

    private void CheckNotMounted(OverlayVolumeRecord record)
    {
        if (_layers.IsMounted(record.Head))
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume {record.Volume.Id} is still mounted in another mount namespace, most likely of a container that has not ended yet, or by a process "
                + "that has files open on it; end it and call again") { ChangedNothing = true };
        }
    }

    // The chain that a new volume begins with, and the attributes of its root as a reader sees them.
    private async Task<(ImmutableArray<LayerId> Chain, DirectoryAttributes Root)> ReferenceContentAsync(VolumeContent source)
    {
        switch (source)
        {
            case VolumeContent.OfSnapshot of:
                var snapshot = _snapshots.Get(of.Snapshot.Id.Key);
                // Read first: after a failure nobody would give the references back.
                var root = _layers.ReadRoot(snapshot.Chain[0]);
                _layers.References.Add(snapshot.Chain);
                return (snapshot.Chain, root);
            case VolumeContent.OfVolume of:
                var chain = await CutAsync(of.Volume).ConfigureAwait(false);
                try
                {
                    return (chain, _layers.ReadRoot(chain[0]));
                }
                catch
                {
                    Release(chain);
                    throw;
                }
            default:
                return ([], DirectoryAttributes.Of(VolumeParameters.None));
        }
    }
}
