using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Storage.Ephemeral;
using Lamina.Storage.Operations;
using Lamina.Storage.Pauses;
using Lamina.Storage.Pools;

namespace Lamina.Hosting;

/// <summary>
/// Loads the pools when the daemon starts, while the doors answer already that they are not ready; tries those again that could not be loaded;
/// waits for running operations when the daemon stops.
/// </summary>
internal sealed class PoolLoader(
    IReadOnlyList<PoolSettings> pools,
    LaminaOptions options,
    PoolSet set,
    ForgottenPools forgotten,
    AttachmentService attachments,
    SnapshotGroupService groups,
    EphemeralVolumes ephemerals,
    OperationRunner operations,
    WriterPauses pauses,
    PauseWatcherProcess watcher,
    ReadyNotifier notifier,
    TimeProvider time,
    ILogger<PoolLoader> logger) : BackgroundService
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await LookAtEnginesAsync(cancellationToken);
        if (operations.Running > 0)
            logger.WaitingForOperations(operations.Running);
        try
        {
            await operations.DrainAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            logger.OperationsLeft(operations.Running);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        try
        {
            await LoadAsync(stoppingToken);
        }
        catch (StorageException e) when (e.Error == StorageError.Aborted && stoppingToken.IsCancellationRequested)
        {
            // What waited for its turn was told to leave, which is no failure.
            throw new OperationCanceledException(e.Message, e, stoppingToken);
        }
    }

    private async Task LoadAsync(CancellationToken stoppingToken)
    {
        // First of all: somebody may be standing still since an earlier daemon died, and its watcher with it.
        pauses.ReleaseLeftovers();
        StartWatcher();
        InitializeEmbeddedDefault();
        InitializeBindPool();
        await set.LoadAsync([.. pools, .. EmbeddedBeside(pools)], stoppingToken);
        await attachments.ReconcileAsync(stoppingToken);
        logger.Ready();
        notifier.PoolsAreRead();
        await TidyAsync(stoppingToken);
        using var timer = new PeriodicTimer(RetryAfter, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            using var scope = CallScope.BeginOwn(logger, null);
            // What is mounted from a pool that comes late could not be judged before.
            if (await set.RetryAsync(stoppingToken) | await LoadLateEmbeddedAsync(stoppingToken))
                await attachments.ReconcileAsync(stoppingToken);
            await TidyAsync(stoppingToken);
        }
    }

    // Its disk may be mounted when the daemon runs already.
    private async Task<bool> LoadLateEmbeddedAsync(CancellationToken stoppingToken)
    {
        var embedded = EmbeddedBeside([.. set.List().Select(pool => pool.Settings)]);
        await set.LoadAsync(embedded, stoppingToken);
        return embedded.Count > 0;
    }

    private IReadOnlyList<PoolSettings> EmbeddedBeside(IReadOnlyList<PoolSettings> others)
    {
        var embedded = PoolConfiguration.EmbeddedBeside(others, options, forgotten);
        foreach (var pool in embedded)
            logger.EmbeddedPoolBeside(pool.Path, pool.Name);
        return embedded;
    }

    // What can't be tidied up now is no reason to end; it is tried again in a moment.
    private async Task TidyAsync(CancellationToken stoppingToken)
    {
        try
        {
            await groups.SettleIncompleteAsync(stoppingToken);
            await ephemerals.CollectAsync(stoppingToken);
            await attachments.TidyEnginesAsync(stoppingToken);
        }
        catch (Exception e) when (e is Linux.LinuxException or FormatException)
        {
            logger.NotTidied(e.Message);
        }
    }

    // What ends while nobody listens can then be told from what never began.
    private async Task LookAtEnginesAsync(CancellationToken cancellationToken)
    {
        try
        {
            await attachments.TidyEnginesAsync(cancellationToken);
        }
        catch (Exception e) when (e is StorageException or Linux.LinuxException or FormatException)
        {
            logger.NotTidied(e.Message);
        }
    }

    // Volumes are served without it; what can't be done is said again by the snapshot that would need it.
    private void StartWatcher()
    {
        try
        {
            watcher.EnsureRunning();
        }
        catch (StorageException e)
        {
            logger.WatcherNotStarted(e.Message);
        }
    }

    // Only on a host that never had a Lamina: where the state directory exists, an empty one may be the mount point of a disk that is missing, and so may what is above it.
    private void InitializeEmbeddedDefault()
    {
        var embedded = PoolConfiguration.EmbeddedDefault(options);
        if (pools.All(pool => pool.Path != embedded.Path) || options.Pools.Count > 0 || Directory.Exists(options.StateDirectory) || !StatePresence.IsCertain(options.StateDirectory))
            return;
        try
        {
            PoolInitializer.Initialize(embedded);
            logger.EmbeddedPoolMade(embedded.Path);
        }
        catch (StorageException e)
        {
            // As on a filesystem that can't carry it. The doors say so, and a pool elsewhere can be made.
            logger.EmbeddedPoolNotMade(e.Message);
        }
    }

    // It is configured by its roots alone, so nobody else would make it. But only where its records can't be on a disk that is missing.
    private void InitializeBindPool()
    {
        if (pools.FirstOrDefault(pool => pool.Backend == PoolBackend.Bind) is not { } bind || Path.Exists(bind.Path) || !StatePresence.IsCertain(options.StateDirectory))
            return;
        try
        {
            PoolInitializer.Initialize(bind);
            logger.BindPoolMade(bind.Path);
        }
        catch (StorageException e)
        {
            // Everything else is served without it.
            logger.BindPoolNotMade(e.Message);
        }
    }
}
