using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Pools;

/// <summary>
/// The pools that this daemon is configured with, loaded or not, and the pool ids that the administrator told it to forget. The one place
/// that turns a pool's name or id into the pool, or into the right refusal.
/// </summary>
public sealed class PoolSet(PoolOpener opener, ForgottenPools forgotten, Catalog catalog, ILogger<PoolSet> logger) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<PoolName, PoolStatus> _pools = [];
    private readonly SemaphoreSlim _changing = new(1, 1);

    // The ids that two pools had, with what there is to say: a disk and its copy. Neither is served until a restart, whichever is looked at first.
    private readonly Dictionary<PoolId, string> _twins = [];

    /// <summary>Whether every configured pool was tried at least once. Before that the daemon is not ready.</summary>
    public bool IsReady { get; private set; }

    /// <summary>Every configured pool, by name.</summary>
    public IReadOnlyList<PoolStatus> List() => [.. _pools.Values.OrderBy(pool => pool.Settings.Name.ToString(), StringComparer.Ordinal)];

    /// <summary>The pools that are served.</summary>
    public IEnumerable<LoadedPool> Loaded => _pools.Values.Select(pool => pool.Loaded).OfType<LoadedPool>();

    /// <summary>Whether any pool that is served has raw block volumes.</summary>
    public bool HasBlockVolumes => Loaded.Any(pool => pool.Pool.Description.Features.HasFlag(PoolFeatures.BlockVolumes));

    /// <summary>Tries to load pools. Those that can't be are kept with the reason, and tried again by <see cref="RetryAsync"/>.</summary>
    public async Task LoadAsync(IEnumerable<PoolSettings> settings, CancellationToken cancellationToken)
    {
        foreach (var pool in settings)
            await TryLoadAsync(pool, cancellationToken).ConfigureAwait(false);
        IsReady = true;
    }

    /// <summary>Tries those again that could not be loaded: a disk may have been mounted since.</summary>
    /// <returns>Whether one of them is loaded now.</returns>
    public async Task<bool> RetryAsync(CancellationToken cancellationToken)
    {
        var missing = _pools.Values.Where(pool => pool.Loaded is null).Select(pool => pool.Settings).ToList();
        foreach (var settings in missing)
            await TryLoadAsync(settings, cancellationToken).ConfigureAwait(false);
        return missing.Exists(settings => _pools[settings.Name].Loaded is not null);
    }

    /// <summary>Makes a new pool on the disk. <see cref="AddAsync"/> serves it; no other call looks at what is half made meanwhile.</summary>
    /// <inheritdoc cref="PoolInitializer.InitializeAsync(PoolSettings, ByteSize?, CancellationToken)" path="/param|/exception"/>
    public async Task InitializeAsync(PoolSettings settings, ByteSize? imageSize, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await PoolInitializer.InitializeAsync(settings, imageSize, opener.ZfsPrograms, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Loads one more pool, which must be fine. One that a retry has loaded already is fine too.</summary>
    /// <exception cref="StorageException">It can't be loaded, or another pool has the name.</exception>
    public async Task<LoadedPool> AddAsync(PoolSettings settings, CancellationToken cancellationToken)
    {
        if (_pools.TryGetValue(settings.Name, out var known) && known.Loaded is not null && known.Settings.Path != settings.Path)
            throw new StorageException(StorageError.AlreadyExists, $"a pool with the name '{settings.Name}' is served already, at {known.Settings.Path}");
        await TryLoadAsync(settings, cancellationToken).ConfigureAwait(false);
        var status = _pools[settings.Name];
        return status.Loaded ?? throw new StorageException(StorageError.Unavailable, $"pool '{settings.Name}' can't be loaded: {status.Problem}");
    }

    /// <summary>Marks one pool as the default, and no other any more.</summary>
    public async Task MakeDefaultAsync(PoolName name, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            foreach (var status in _pools.Values)
            {
                var settings = status.Settings with { IsDefault = status.Settings.Name == name };
                _pools[settings.Name] = status with { Settings = settings, Loaded = status.Loaded is { } loaded ? loaded with { Settings = settings } : null };
            }
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>The pool that an object's id names.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.NotFound"/>: the pool was forgotten. <see cref="StorageError.Unavailable"/>: it is not loaded, so nothing can be
    /// said about the object.
    /// </exception>
    public LoadedPool Resolve(PoolId id)
    {
        if (TryResolve(id, out var pool))
            return pool;
        if (forgotten.Contains(id))
            throw new StorageException(StorageError.NotFound, $"there is no pool {id}: it was forgotten by the administrator");
        var problems = _pools.Values.Where(status => status.Loaded is null).Select(status => $" Pool '{status.Settings.Name}' is not loaded: {status.Problem}.");
        throw new StorageException(StorageError.Unavailable,
            $"pool {id} is not loaded here, so nothing is known of its objects.{string.Concat(problems)} If it is gone for good: lamina pool forget {id}");
    }

    /// <summary>As <see cref="Resolve(PoolId)"/>, but answers false when the pool is not loaded.</summary>
    public bool TryResolve(PoolId id, [NotNullWhen(true)] out LoadedPool? pool) => (pool = Loaded.FirstOrDefault(loaded => loaded.Id == id)) is not null;

    /// <summary>As <see cref="Resolve(PoolId)"/>, but answers null for a forgotten pool: its objects are gone, which is what a delete wants.</summary>
    public LoadedPool? ResolveUnlessForgotten(PoolId id) => !TryResolve(id, out var pool) && forgotten.Contains(id) ? null : pool ?? Resolve(id);

    /// <summary>Refuses to answer before every configured pool was tried.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>.</exception>
    public void CheckReady()
    {
        if (!IsReady)
            throw new StorageException(StorageError.Unavailable, "the daemon is still reading its pools; call again in a moment");
    }

    /// <summary>Whether a pool of that name is configured, served or not.</summary>
    public bool Knows(PoolName name) => _pools.ContainsKey(name);

    /// <summary>The pool of that name.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.InvalidArgument"/>: there is none, with those that there are. <see cref="StorageError.Unavailable"/>: it is not loaded.
    /// </exception>
    public LoadedPool Resolve(PoolName name)
    {
        if (!_pools.TryGetValue(name, out var status))
        {
            var known = _pools.IsEmpty ? "none is configured" : "there are " + string.Join(", ", List().Select(pool => pool.Settings.Name));
            throw new StorageException(StorageError.InvalidArgument, name == PoolName.Bind
                ? "bind volumes are switched off: allow host directories by naming their roots in \"bindRoots\" of the configuration, such as [\"/data\"]"
                : $"there is no pool '{name}'; {known}");
        }
        return status.Loaded ?? throw new StorageException(StorageError.Unavailable, $"pool '{name}' is not loaded: {status.Problem}");
    }

    /// <summary>The pool where volumes go when nobody says where: the one marked so, else the only one.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: there are several and none is marked.</exception>
    public LoadedPool ResolveDefault()
    {
        if (FindDefault() is { } chosen)
            return Resolve(chosen.Name);
        var candidates = Candidates().ToList();
        throw new StorageException(StorageError.InvalidArgument, candidates.Count == 0
            ? "no pool is configured; make one: lamina pool init"
            : $"no pool was asked for and none is marked \"default\": true; there are {string.Join(", ", candidates.Select(pool => pool.Name))}");
    }

    /// <summary>Whether volumes go there when nobody says where.</summary>
    public bool IsDefault(LoadedPool pool) => FindDefault()?.Name == pool.Name;

    /// <summary>The pool of that name, or the default one, if it is served.</summary>
    public bool TryResolve(PoolName? name, [NotNullWhen(true)] out LoadedPool? pool)
    {
        var chosen = name ?? FindDefault()?.Name;
        pool = chosen is { } known && _pools.TryGetValue(known, out var status) ? status.Loaded : null;
        return pool is not null;
    }

    /// <summary>Declares a pool that is not loaded gone for good: its objects are unknown from now on.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: it is loaded.</exception>
    public void Forget(PoolId id)
    {
        if (TryResolve(id, out var pool))
            throw new StorageException(StorageError.FailedPrecondition, $"pool {id} ('{pool.Name}') is loaded; only a pool that is gone can be forgotten");
        forgotten.Add(id);
    }

    /// <summary>Lets go of every pool; mounts stay.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var pool in Loaded.ToList())
            await pool.Pool.DisposeAsync().ConfigureAwait(false);
        _pools.Clear();
        _changing.Dispose();
    }

    private IEnumerable<PoolSettings> Candidates() => _pools.Values.Select(status => status.Settings).Where(settings => settings.Backend != PoolBackend.Bind);

    private PoolSettings? FindDefault()
    {
        var candidates = Candidates().ToList();
        return candidates.Find(settings => settings.IsDefault) ?? (candidates.Count == 1 ? candidates[0] : null);
    }

    private async Task TryLoadAsync(PoolSettings settings, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        IPool? pool = null;
        try
        {
            // Another call may have loaded it while this one waited for its turn.
            if (_pools.TryGetValue(settings.Name, out var known) && known.Loaded is not null)
                return;
            pool = opener.Open(settings);
            var description = pool.Description;
            await CheckMayBeServedAsync(description.Id, settings).ConfigureAwait(false);
            var contents = await pool.LoadAsync(cancellationToken).ConfigureAwait(false);
            catalog.Add(description.Id, contents);
            _pools[settings.Name] = new PoolStatus(settings, new LoadedPool(pool, settings, contents.Unreadable), null);
            var problems = pool.FindProblems();
            pool = null;
            logger.PoolLoaded(
                settings.Name, description.Id, description.Backend, description.Path, contents.Volumes.Count, contents.Snapshots.Count, contents.Unreadable.Count);
            foreach (var record in contents.Unreadable)
                logger.RecordUnreadable(settings.Name, record.Path, record.Reason);
            foreach (var warning in description.Warnings.Concat(problems))
                logger.PoolWarning(settings.Name, warning);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // Whatever it was, it is this pool's trouble: the others are served. Retried every few seconds: said once, and again only when the
            // reason changes.
            if (!_pools.TryGetValue(settings.Name, out var before) || before.Problem != e.Message)
                logger.PoolUnavailable(settings.Name, e.Message);
            _pools[settings.Name] = new PoolStatus(settings, null, e.Message);
        }
        finally
        {
            if (pool is not null)
                await pool.DisposeAsync().ConfigureAwait(false);
            _changing.Release();
        }
    }

    // Two pools with one id are a disk and its copy. Which one is meant can't be known, and serving the wrong one loses data: neither is served.
    private async Task CheckMayBeServedAsync(PoolId id, PoolSettings settings)
    {
        if (forgotten.Contains(id))
        {
            throw new StorageException(StorageError.Unavailable,
                $"the pool {id} at {settings.Path} was forgotten by the administrator; to serve it again, take its line out of {forgotten.Path} and restart the daemon");
        }
        if (_twins.TryGetValue(id, out var known))
            throw new StorageException(StorageError.Unavailable, known);
        if (!TryResolve(id, out var twin))
            return;
        var problem = $"the pools '{twin.Name}' at {twin.Settings.Path} and '{settings.Name}' at {settings.Path} have the same id {twin.Id}: "
            + "one is a copy of the other, and neither is served. Remove one from the configuration and restart";
        _twins[id] = problem;
        catalog.Remove(twin.Id);
        _pools[twin.Name] = new PoolStatus(twin.Settings, null, problem);
        await twin.Pool.DisposeAsync().ConfigureAwait(false);
        logger.PoolUnavailable(twin.Name, problem);
        throw new StorageException(StorageError.Unavailable, problem);
    }
}
