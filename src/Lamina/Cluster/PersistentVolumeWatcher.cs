using System.Collections.Frozen;
using System.Net;
using System.Security.Cryptography;
using k8s;
using k8s.Models;
using Lamina.Hosting;
using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Cluster;

/// <summary>
/// Keeps the view of the PersistentVolumes: a complete list, page by page, and then a watch from its version on, begun anew where it ended. What can't be
/// continued, as the server has forgotten the version (410 Gone), is listed again. Of all that passes by, only what names a volume of this node's pools is kept,
/// also of those that are forgotten.
/// </summary>
internal sealed class PersistentVolumeWatcher(
    ClusterApi api, PersistentVolumeIndex index, PoolSet pools, ForgottenPools forgotten, ClusterStanding standing, LaminaOptions options, TimeProvider time,
    ILogger<PersistentVolumeWatcher> logger) : BackgroundService
{
    private static readonly TimeSpan UntilReady = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(30);
    private readonly Backoff _backoff = new(time);
    private CancellationTokenSource _round = new();
    private bool _isOut;
    private bool _wasListed;

    /// <summary>Has everything listed again, soon: what the view knows is not enough for somebody.</summary>
    internal void ListAgain()
    {
        try
        {
            Volatile.Read(ref _round).Cancel();
        }
        catch (ObjectDisposedException)
        {
            // That round is over, and the next one begins with a list.
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Before all were tried, those that are served are not all of ours.
        while (!pools.IsReady)
            await Task.Delay(UntilReady, time, stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            using var round = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            Volatile.Write(ref _round, round);
            try
            {
                await FollowAsync(await ListAsync(round.Token), round.Token);
            }
            catch (OperationCanceledException) when (round.IsCancellationRequested && !stoppingToken.IsCancellationRequested)
            {
                // Listed again because somebody asked for it.
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                await FailAsync("listing PersistentVolumes", e, stoppingToken);
            }
            index.IsCurrent = false;
        }
    }

    private async Task<string> ListAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        var ours = pools.Loaded.Select(pool => pool.Id).Concat(forgotten.Ids).ToFrozenSet();
        var entries = new Dictionary<string, PersistentVolumeEntry>(StringComparer.Ordinal);
        string? next = null;
        string version;
        do
        {
            var page = await api.ListPersistentVolumesAsync(next, cancellationToken);
            foreach (var volume in page.Items ?? [])
            {
                if (EntryOf(volume, ours) is { } entry)
                    entries[entry.Name] = entry;
            }
            version = page.Metadata?.ResourceVersion is { Length: > 0 } told ? told : throw new IOException("the API server's list of PersistentVolumes has no version");
            next = page.Metadata.ContinueProperty;
        }
        while (!string.IsNullOrEmpty(next));
        // Only now, and at once: a part of a list would make orphans of the rest.
        index.View = new PersistentVolumeView(began, ours, entries.Values);
        Succeed(entries.Count);
        return version;
    }

    // Ends only with an exception.
    private async Task FollowAsync(string version, CancellationToken cancellationToken)
    {
        while (true)
        {
            var seen = false;
            long? began = null;
            try
            {
                // Not all nodes at one moment.
                var duration = TimeSpan.FromSeconds(RandomNumberGenerator.GetInt32(300, 600));
                await foreach (var (type, volume) in api.WatchPersistentVolumesAsync(version, duration, () => began = Begin(), cancellationToken))
                {
                    (seen, version) = (true, volume.Metadata.ResourceVersion);
                    Apply(type, volume);
                }
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                index.IsCurrent = false;
                HasLived();
                if (ClusterFailure.Of(e) is not { Code: not HttpStatusCode.Gone } failure)
                    throw;
                if (began is null)
                    await FailAsync("the watch of PersistentVolumes", e, cancellationToken);
                else
                    await CutAsync(failure, cancellationToken);
                continue;
            }
            // The usual end, after some minutes.
            index.IsCurrent = false;
            if (!HasLived())
                await _backoff.WaitAsync(null, cancellationToken);

            // Only now is it clear that the server is well: one that takes each watch and ends it at once must be asked ever more seldom.
            bool HasLived()
            {
                if (!seen && (began is not { } at || time.GetElapsedTime(at) < LongEnough))
                    return false;
                _backoff.Reset();
                return true;
            }
        }
    }

    private long Begin()
    {
        index.IsCurrent = true;
        if (_isOut)
            logger.BackInReach();
        _isOut = false;
        return time.GetTimestamp();
    }

    // Servers that are started anew and proxies cut what was well. Whether something is wrong shows when it can't be begun again.
    private async Task CutAsync(ClusterFailure failure, CancellationToken cancellationToken)
    {
        standing.Failed();
        logger.TriedAgain("the watch of PersistentVolumes", failure.Reason);
        await _backoff.WaitAsync(failure.RetryAfter, cancellationToken);
    }

    private void Apply(WatchEventType type, V1PersistentVolume volume)
    {
        if (type == WatchEventType.Bookmark || index.View is not { } view)
            return;
        var entry = type == WatchEventType.Deleted ? null : EntryOf(volume, view.Pools);
        index.View = entry is null ? view.Without(volume.Metadata.Name) : view.With(entry);
    }

    private PersistentVolumeEntry? EntryOf(V1PersistentVolume volume, FrozenSet<PoolId> ours)
    {
        if (volume.Spec?.Csi is not { } csi || csi.Driver != options.DriverName || !VolumeId.TryParse(csi.VolumeHandle, out var id) || !ours.Contains(id.Pool))
            return null;
        var claim = volume.Spec.ClaimRef is { Name: { Length: > 0 } name, NamespaceProperty: { Length: > 0 } @namespace } bound ? ClusterObject.Claim(@namespace, name, bound.Uid) : null;
        return new PersistentVolumeEntry(volume.Metadata.Name, volume.Metadata.Uid, id, claim, volume.Metadata.DeletionTimestamp is not null);
    }

    private void Succeed(int count)
    {
        if (!_wasListed)
            logger.Listed(api.Namespace, count);
        else if (_isOut)
            logger.BackInReach();
        (_wasListed, _isOut) = (true, false);
    }

    private async Task FailAsync(string what, Exception exception, CancellationToken cancellationToken)
    {
        var failure = ClusterFailure.Of(exception);
        standing.Failed();
        if (failure is null)
            logger.Unforeseen(what, exception);
        // A version that is forgotten is every day's business; whoever is out of reach is told once.
        else if (_isOut || failure.Code == HttpStatusCode.Gone)
            logger.TriedAgain(what, failure.Reason);
        else
            logger.OutOfReach(failure.Reason);
        _isOut |= failure?.Code != HttpStatusCode.Gone;
        await _backoff.WaitAsync(failure?.RetryAfter, cancellationToken);
    }
}
