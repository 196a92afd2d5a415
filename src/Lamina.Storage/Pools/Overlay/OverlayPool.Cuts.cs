using System.Collections.Immutable;
using Lamina.Storage.Pools.Cuts;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Overlay;

internal sealed partial class OverlayPool
{
    /// <summary>The volume as it is now: a chain of sealed layers, with a reference each for the caller.</summary>
    private async Task<ImmutableArray<LayerId>> CutAsync(VolumeInUse volume)
    {
        await using var cut = await BeginCutAsync(volume).ConfigureAwait(false);
        await _cuts.RunAsync([cut]).ConfigureAwait(false);
        return cut.Take();
    }

    private async Task<VolumeCut> BeginCutAsync(VolumeInUse volume)
    {
        var held = await LockRecordAsync(volume.Volume.Id.Key).ConfigureAwait(false);
        try
        {
            var record = _volumes.Get(volume.Volume.Id.Key);
            if (volume.MountPoint is { } mountPoint)
            {
                CheckIsHead(record, mountPoint);
                return new VolumeCut(this, record, held, new LiveLayer(this, record, mountPoint));
            }

            CheckNotMounted(record);
            if (_layers.IsUntouched(record.Head, record.Chain))
                return new VolumeCut(this, record, held, null, isUntouched: true);
            return new VolumeCut(this, MergeIfFull(record), held, null);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    // Else the copy would be one of a layer that nobody writes to, over one that somebody does.
    private void CheckIsHead(OverlayVolumeRecord record, string mountPoint)
    {
        if (!_layers.IsMounted(record.Head))
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume {record.Volume.Id} is mounted at {mountPoint}, but what is written there does not go to the layer that its record names, most likely since "
                + "the disk failed at the wrong moment; nothing is lost: detach the volume, attach it, and call again");
        }
    }

    /// <summary>
    /// A cut of a volume, whose record is locked meanwhile. One that is mounted is copied; any other does not change, so its head is sealed when the
    /// cut is taken for good, after the writers of whatever else is cut with it run again.
    /// </summary>
    private sealed class VolumeCut(OverlayPool pool, OverlayVolumeRecord record, IDisposable held, LiveLayer? live, bool isUntouched = false) : IVolumeCut
    {
        public VolumeId Volume => record.Volume.Id;

        public string? MountPoint => live?.Cut.MountPoint;

        public bool StopsWriters => live is not null;

        public PauseLimits Limits => pool._settings.PauseLimits;

        public void Prepare() => live?.Cut.Prepare();

        public void Cut(WritePoint point) => live?.Cut.Cut(point);

        public void Finish() => live?.Cut.Finish();

        /// <summary>The chain that was cut, with a reference to each layer for the caller. Once.</summary>
        public ImmutableArray<LayerId> Take()
        {
            if (live is null)
            {
                // Nothing to be sealed where nothing was written since the last time.
                var chain = isUntouched ? record.Chain : pool.SealHead(record).Chain;
                pool._layers.References.Add(chain);
                return chain;
            }
            pool._layers.References.Add(record.Chain);
            pool._usage.Refresh(record.Head);
            return record.Chain.Insert(0, live.Take());
        }

        public async ValueTask DisposeAsync()
        {
            using (held)
            {
                if (live is not null)
                    await live.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>The layer that a mounted head is copied to. It goes to the trash unless it is taken.</summary>
    private sealed class LiveLayer : IAsyncDisposable
    {
        private readonly OverlayPool _pool;
        private readonly LayerId _layer;
        private readonly SafeFileHandle _source;
        private readonly SafeFileHandle _target;
        private bool _isTaken;

        internal LiveLayer(OverlayPool pool, OverlayVolumeRecord record, string mountPoint)
        {
            _pool = pool;
            _source = pool._layers.OpenDiff(record.Head);
            try
            {
                _layer = pool._layers.Create(pool._layers.ReadRoot(record.Head));
            }
            catch
            {
                _source.Dispose();
                throw;
            }
            try
            {
                _target = pool._layers.OpenDiff(_layer);
                Cut = new LiveCut(
                    new LiveCutRequest(record.Volume.Id, mountPoint, pool._directory.Root, _source, _target, pool._settings.PauseLimits), pool._time, pool._logger);
            }
            catch
            {
                Close();
                throw;
            }
        }

        internal LiveCut Cut { get; }

        internal LayerId Take()
        {
            _isTaken = true;
            return _layer;
        }

        public async ValueTask DisposeAsync()
        {
            await Cut.DisposeAsync().ConfigureAwait(false);
            Close();
        }

        private void Close()
        {
            _target?.Dispose();
            _source.Dispose();
            if (!_isTaken)
                _pool.Release(_layer);
        }
    }
}
