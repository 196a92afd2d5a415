using Lamina.Hosting;
using Lamina.Storage;
using Lamina.Storage.Operations;
using Lamina.Storage.Pools;

namespace Lamina.Admin;

/// <summary>Makes pools: on the disk, in the configuration, and in the running daemon.</summary>
/// <remarks>
/// The configuration comes first and goes again when the pool can't be made. So a crash in between leaves a pool that is configured and missing,
/// which the same call then makes; never a pool on the disk that no daemon knows.
/// </remarks>
internal sealed class PoolMaker(PoolSet pools, PoolDropIns dropIns, LaminaOptions options, OperationRunner operations, ILogger<PoolMaker> logger) : IDisposable
{
    private readonly SemaphoreSlim _making = new(1, 1);

    /// <summary>Makes a pool and serves it.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.InvalidArgument"/>: the request, with all that is wrong with it. <see cref="StorageError.AlreadyExists"/>: the name or
    /// the path is another pool's. <see cref="StorageError.FailedPrecondition"/>: something lies there already, or the filesystem can't carry it.
    /// </exception>
    internal async Task<PoolStatus> MakeAsync(V1.InitPoolRequest request, CancellationToken cancellationToken)
    {
        pools.CheckReady();
        return await operations.RunAsync($"make pool '{request.Name}'", [], () => MakeInTurnAsync(request), cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => _making.Dispose();

    // One at a time, also when the caller has left: names, paths and the mark of the default are looked at before they are taken.
    private async Task<PoolStatus> MakeInTurnAsync(V1.InitPoolRequest request)
    {
        await _making.WaitAsync(CancellationToken.None);
        try
        {
            return await MakeLockedAsync(request);
        }
        finally
        {
            _making.Release();
        }
    }

    private async Task<PoolStatus> MakeLockedAsync(V1.InitPoolRequest request)
    {
        var all = pools.List();
        var imageSize = RequestValues.Size(request.HasImageSizeBytes, request.ImageSizeBytes, "the image's size");
        if (all.FirstOrDefault(pool => pool.Settings.Name.ToString() == request.Name) is { } configured)
        {
            CheckSameAsConfigured(configured, request);
            await pools.InitializeAsync(configured.Settings, imageSize, CancellationToken.None);
            return await ServeAsync(configured.Settings);
        }

        var settings = Read(request, all);
        var embedded = EmbeddedDefault(all);
        if (embedded?.Loaded is null && all.All(pool => pool == embedded || pool.Settings.Backend == PoolBackend.Bind))
        {
            // The first pool of a host: nothing else could be meant when nobody says where.
            settings = settings with { IsDefault = true };
        }
        var unmarked = settings.IsDefault ? DefaultToUnmark(all, embedded) : null;

        // Whatever we are cut off at, the next start must serve what is served now, and find no two defaults. Beside another one the embedded pool is
        // served only where it can be seen, unless it is configured; so it comes first. And a mark is taken away before it is given.
        var kept = EmbeddedToKeep(embedded);
        if (kept is not null)
            dropIns.Write(kept);
        dropIns.Write(settings with { IsDefault = settings.IsDefault && unmarked is null });
        try
        {
            await pools.InitializeAsync(settings, imageSize, CancellationToken.None);
        }
        catch
        {
            dropIns.Remove(settings.Name);
            if (kept is not null)
                dropIns.Remove(kept.Name);
            throw;
        }
        if (unmarked is not null)
        {
            dropIns.Write(unmarked with { IsDefault = false });
            dropIns.Write(settings);
        }
        if (kept is not null && embedded?.Loaded is null)
            logger.EmbeddedPoolKept(kept.Name, kept.Path, dropIns.PathOf(kept.Name));
        return await ServeAsync(settings);
    }

    private async Task<PoolStatus> ServeAsync(PoolSettings settings)
    {
        // New as it is, nothing in it is attached.
        (await pools.AddAsync(settings, CancellationToken.None)).Pool.FoundAllAttached();
        if (settings.IsDefault)
            await pools.MakeDefaultAsync(settings.Name, CancellationToken.None);
        logger.PoolMade(settings.Name, settings.Path, dropIns.Exists(settings.Name) ? dropIns.PathOf(settings.Name) : null);
        return pools.List().First(pool => pool.Settings.Name == settings.Name);
    }

    // A pool that is configured is made as it is configured: what is asked besides must not differ.
    private static void CheckSameAsConfigured(PoolStatus configured, V1.InitPoolRequest request)
    {
        var settings = configured.Settings;
        if (configured.Loaded is not null)
            throw new StorageException(StorageError.AlreadyExists, $"a pool '{request.Name}' is served already, at {settings.Path}");
        var place = request.HasDataset ? request.Dataset : request.Path;
        if ((place.Length > 0 && place != settings.Path)
            || (request.Backend.Length > 0 && request.Backend != AdminMessages.NameOf(settings.Backend))
            || (request.HasImage && request.Image != settings.Image))
        {
            throw new StorageException(StorageError.AlreadyExists,
                $"a pool '{request.Name}' is configured already, as {AdminMessages.NameOf(settings.Backend)} at {settings.Path}; "
                + $"to make it there: lamina pool init {request.Name}, without anything else; to have another one, change the configuration");
        }
        if (request.Default || request.HasDefaultSizeBytes || request.HasMinFreeBytes || request.HasMaxPauseSeconds)
        {
            throw new StorageException(
                StorageError.InvalidArgument, $"pool '{request.Name}' is configured already; its options are changed in the configuration");
        }
    }

    private static PoolSettings Read(V1.InitPoolRequest request, IReadOnlyList<PoolStatus> all)
    {
        var errors = new List<string>();
        if (request.Backend == "zfs" && !request.HasDataset)
            errors.Add("say where: --dataset tank/lamina");
        if (request.Backend != "zfs" && request.Path.Length == 0)
            errors.Add("say where: --path DIRECTORY");
        if (request.Backend.Length == 0)
            errors.Add("say which backend: --backend overlay2, --backend btrfs or --backend zfs");
        if (request.HasImage && request.Backend != "btrfs")
            errors.Add("only a btrfs pool lies in an image");
        if (request.HasImage && !request.HasImageSizeBytes)
            errors.Add("say how large the image is: --image-size 50Gi");
        if (request.HasImageSizeBytes && !request.HasImage)
            errors.Add("an image size without an image: --image FILE");
        var pool = new PoolOptions
        {
            Backend = request.Backend,
            Path = request.Path,
            Dataset = request.Dataset,
            Image = request.Image,
            Default = request.Default,
            DefaultSize = Text(RequestValues.Size(request.HasDefaultSizeBytes, request.DefaultSizeBytes, "the default size")),
            MinFree = Text(RequestValues.Size(request.HasMinFreeBytes, request.MinFreeBytes, "minFree") ?? ByteSize.Zero),
        };
        // What no TimeSpan can hold is far out of range.
        if (request.HasMaxPauseSeconds && !(Math.Abs(request.MaxPauseSeconds) < 1e9))
            errors.Add(FormattableString.Invariant($"maxPause is {request.MaxPauseSeconds} seconds; allowed is 10 ms to a minute"));
        else if (request.HasMaxPauseSeconds)
            pool.MaxPause = TimeSpan.FromSeconds(request.MaxPauseSeconds);
        var settings = errors.Count == 0 ? PoolConfiguration.Read(request.Name, pool, errors) : null;
        if (settings is null)
            throw new StorageException(StorageError.InvalidArgument, string.Join("; ", errors));
        if (all.FirstOrDefault(other => other.Settings.Path == settings.Path) is { } taken)
            throw new StorageException(StorageError.AlreadyExists, $"{settings.Path} is configured already, as pool '{taken.Settings.Name}'");
        if (settings.Image is { } image && all.FirstOrDefault(other => other.Settings.Image == image) is { } user)
            throw new StorageException(StorageError.AlreadyExists, $"the image {image} is configured already, for pool '{user.Settings.Name}'");
        return settings;
    }

    private static string Text(ByteSize? size) => size is { } value ? FormattableString.Invariant($"{value.Bytes}") : "";

    // Alone, or beside configured ones and then perhaps by another name; not where the administrator has configured it.
    private PoolStatus? EmbeddedDefault(IReadOnlyList<PoolStatus> all)
    {
        var path = PoolConfiguration.EmbeddedDefault(options).Path;
        return options.Pools.Values.Any(pool => pool.Path == path) ? null : all.FirstOrDefault(pool => pool.Settings.Path == path);
    }

    // What is not served today may lie on a disk that is missing: it is kept, unless there surely never was any. Its mark means nothing then.
    private PoolSettings? EmbeddedToKeep(PoolStatus? embedded)
    {
        if (embedded is null || dropIns.Exists(embedded.Settings.Name))
            return null;
        if (embedded.Loaded is not null)
            return embedded.Settings;
        return Path.Exists(embedded.Settings.Path) || !StatePresence.IsCertain(options.StateDirectory) ? embedded.Settings with { IsDefault = false } : null;
    }

    // One pool is the default: the mark can only be taken from a pool whose configuration is ours to write.
    private PoolSettings? DefaultToUnmark(IReadOnlyList<PoolStatus> all, PoolStatus? embedded)
    {
        if (all.FirstOrDefault(pool => pool.Settings.IsDefault) is not { } marked)
            return null;
        if (dropIns.Exists(marked.Settings.Name))
            return marked.Settings;
        if (marked == embedded)
            return marked.Loaded is null ? null : marked.Settings;
        throw new StorageException(StorageError.FailedPrecondition,
            $"pool '{marked.Settings.Name}' is the default in the administrator's own configuration; take the mark away there first");
    }
}
