using System.Globalization;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Storage.Pools;

namespace Lamina.Docker;

/// <summary>
/// The volume driver: each call is one of the domain's. An engine knows volumes by name alone, of whatever driver's, so it sees only those that it
/// has made itself.
/// </summary>
internal sealed class VolumeDriver(PoolSet pools, VolumeService volumes, SnapshotService snapshots, AttachmentService attachments, TimeProvider time)
{
    private const int MaxId = 256;
    private static readonly TimeSpan s_readyPoll = TimeSpan.FromMilliseconds(100);
    private readonly CreateOptions _options = new(volumes, snapshots);

    /// <summary>Makes a volume. An engine asks for that whenever it finds none, or could not find out.</summary>
    internal async Task<DriverResponse> CreateAsync(DriverRequest request, CancellationToken patience)
    {
        await ReadyAsync(patience);
        var name = NameOf(request);
        var options = request.Opts ?? [];
        if (Find(name) is null)
            CheckNothingHidden(name, options.GetValueOrDefault(VolumeParameters.PoolKey));
        await volumes.CreateAsync(_options.Parse(name, options), patience);
        return new DriverResponse();
    }

    /// <summary>One volume.</summary>
    internal async Task<DriverResponse> GetAsync(DriverRequest request, CancellationToken patience)
    {
        await ReadyAsync(patience);
        var volume = Get(request);
        return new DriverResponse { Volume = Describe(volume) with { Status = StatusOf(volume) } };
    }

    /// <summary>All volumes.</summary>
    internal async Task<DriverResponse> ListAsync(DriverRequest _, CancellationToken patience)
    {
        await ReadyAsync(patience);
        return new DriverResponse { Volumes = [.. volumes.List(0, null).Items.Where(IsOurs).Select(Describe)] };
    }

    /// <summary>Where a volume is mounted, if it is.</summary>
    internal async Task<DriverResponse> PathAsync(DriverRequest request, CancellationToken patience)
    {
        await ReadyAsync(patience);
        return new DriverResponse { Mountpoint = attachments.MountPointOf(Get(request).Id) ?? "" };
    }

    /// <summary>Mounts a volume once more for an id.</summary>
    internal async Task<DriverResponse> MountAsync(DriverRequest request, CancellationToken patience)
    {
        await ReadyAsync(patience);
        var id = IdOf(request);
        return new DriverResponse { Mountpoint = await attachments.EngineMountAsync(Get(request).Id, Door.Docker, id, patience) };
    }

    /// <summary>Ends one mount for an id.</summary>
    internal async Task<DriverResponse> UnmountAsync(DriverRequest request, CancellationToken patience)
    {
        await ReadyAsync(patience);
        var (name, id) = (NameOf(request), IdOf(request));
        // An engine says it once, and that needs no pool.
        var volume = Find(name)?.Id ?? attachments.FindEngineMount(ObjectKey.FromName(name), Door.Docker, id) ?? throw NotHere(name);
        await attachments.EngineUnmountAsync(volume, Door.Docker, id, patience);
        return new DriverResponse();
    }

    /// <summary>Deletes a volume. The engine has refused already if one of its containers has it.</summary>
    internal async Task<DriverResponse> RemoveAsync(DriverRequest request, CancellationToken patience)
    {
        await ReadyAsync(patience);
        var volume = Get(request);
        await attachments.ReleaseEnginesAsync(volume.Id, Door.Docker, patience);
        await volumes.DeleteAsync(volume.Id, patience);
        return new DriverResponse();
    }

    // An engine that is started with us takes any refusal for "there is no such volume".
    private async Task ReadyAsync(CancellationToken patience)
    {
        try
        {
            while (!pools.IsReady)
                await Task.Delay(s_readyPoll, time, patience);
        }
        catch (OperationCanceledException)
        {
            pools.CheckReady();
        }
    }

    // An engine that does not find its volume asks for it to be made: it would be given an empty one where the one with its data is out of reach.
    private void CheckNothingHidden(string name, string? pool)
    {
        foreach (var loaded in pools.List().Select(status => status.Loaded).OfType<LoadedPool>())
            loaded.CheckReadable(ObjectKey.FromName(name), isSnapshot: false);
        if (pool is null && MissingPool() is { } missing)
            throw new StorageException(StorageError.Unavailable, $"{MayBeIn(name, missing)}. To make a new one all the same, say in which pool: -o pool=...");
    }

    private PoolStatus? MissingPool() => pools.List().FirstOrDefault(status => status.Loaded is null);

    private static string MayBeIn(string name, PoolStatus missing) =>
        $"there is no volume '{name}' in the pools that are served, but pool '{missing.Settings.Name}' is not, and may hold it: {missing.Problem}";

    private StorageException NotHere(string name) => MissingPool() is { } missing
        ? new StorageException(StorageError.Unavailable, MayBeIn(name, missing))
        : new StorageException(StorageError.NotFound, $"there is no volume '{name}' of this driver");

    private Volume Get(DriverRequest request) => NameOf(request) is var name && Find(name) is { } volume ? volume : throw NotHere(name);

    private Volume? Find(string name) => volumes.FindByName(name) is { } volume && IsOurs(volume) ? volume : null;

    private static bool IsOurs(Volume volume) => volume.Door == Door.Docker;

    private static string NameOf(DriverRequest request) =>
        request.Name is { Length: > 0 } name ? name : throw new StorageException(StorageError.InvalidArgument, "the volume's name is missing");

    private static string IdOf(DriverRequest request) => request.ID is { Length: > 0 and <= MaxId } id
        ? id
        : throw new StorageException(StorageError.InvalidArgument, $"the mount's ID is missing, or longer than {MaxId} characters");

    private DriverVolume Describe(Volume volume) => new()
    {
        Name = volume.Name,
        Mountpoint = attachments.MountPointOf(volume.Id) ?? "",
        CreatedAt = volume.CreatedAt.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
    };

    private DriverVolumeStatus StatusOf(Volume volume) => new()
    {
        Pool = pools.Resolve(volume.Id.Pool).Name.ToString(),
        Size = volume.Size?.ToString(),
        Used = volumes.GetUsage(volume)?.Used.ToString(),
        Source = volume.Source?.ToString() ?? volume.Parameters.Source?.ToString(),
        Snapshots = [.. snapshots.List(volume.Id, 0, null).Items.Where(snapshot => snapshot.IsOf(volume)).Select(snapshot => snapshot.Name)],
    };
}
