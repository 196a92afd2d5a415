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

    // As long as Docker itself goes on asking a driver that is not there.
    private static readonly TimeSpan s_latePool = TimeSpan.FromSeconds(35);
    private static readonly TimeSpan s_readyPoll = TimeSpan.FromMilliseconds(100);
    private readonly CreateOptions _options = new(volumes, snapshots);

    /// <summary>Makes a volume. An engine asks for that whenever it finds none, or could not find out.</summary>
    internal async Task<DriverResponse> CreateAsync(DriverRequest request, CancellationToken patience)
    {
        await ReadyAsync(patience);
        var name = NameOf(request);
        var options = request.Opts ?? [];
        if (volumes.FindByName(name) is null)
            CheckNothingHidden(name, isPlaced: options.ContainsKey(VolumeParameters.PoolKey) || options.ContainsKey(CreateOptions.Source));
        await volumes.CreateAsync(_options.Parse(name, options), patience);
        return new DriverResponse();
    }

    /// <summary>One volume.</summary>
    internal async Task<DriverResponse> GetAsync(DriverRequest request, CancellationToken patience)
    {
        await ReadyAsync(patience);
        if (request.Engine == Engines.Docker)
            await MissingPoolAsync(NameOf(request), patience);
        var volume = Get(request);
        return new DriverResponse { Volume = Describe(volume, attachments.MountPointOf(volume.Id)) with { Status = StatusOf(volume) } };
    }

    /// <summary>All volumes.</summary>
    internal async Task<DriverResponse> ListAsync(DriverRequest _, CancellationToken patience)
    {
        await ReadyAsync(patience);
        var mountPoints = attachments.MountPoints();
        return new DriverResponse { Volumes = [.. volumes.List(0, null).Items.Where(IsOurs).Select(volume => Describe(volume, mountPoints.GetValueOrDefault(volume.Id)))] };
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
        var mount = MountOf(request);
        return new DriverResponse { Mountpoint = await attachments.EngineMountAsync(Get(request).Id, mount, patience) };
    }

    /// <summary>Ends one mount for an id.</summary>
    internal async Task<DriverResponse> UnmountAsync(DriverRequest request, CancellationToken patience)
    {
        await ReadyAsync(patience);
        var (name, mount) = (NameOf(request), MountOf(request));
        // An engine says it once, and that needs no pool; and where two pools have the name, it is the one that was mounted.
        var volume = attachments.FindEngineMount(ObjectKey.FromName(name), mount) ?? Find(name)?.Id ?? throw NotHere(name);
        await attachments.EngineUnmountAsync(volume, mount, patience);
        return new DriverResponse();
    }

    /// <summary>Deletes a volume. The engine has refused already if one of its containers has it.</summary>
    internal async Task<DriverResponse> RemoveAsync(DriverRequest request, CancellationToken patience)
    {
        await ReadyAsync(patience);
        var volume = Get(request);
        await attachments.ReleaseEngineAsync(volume.Id, Door.Docker, request.Engine, patience);
        // Meanwhile another door may have made one of that name.
        if (!await volumes.DeleteAsync(volume.Id, found => IsOurs(found) && found.Incarnation == volume.Incarnation, patience) && volumes.FindKnown(volume.Id) is not null)
            throw NotHere(volume.Name);
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

    // A disk may only be late, as after a boot. Docker is not told anything before that is over.
    private async Task MissingPoolAsync(string name, CancellationToken patience)
    {
        var since = time.GetTimestamp();
        try
        {
            while (Find(name) is null && MissingPool() is not null && time.GetElapsedTime(since) < s_latePool)
                await Task.Delay(s_readyPoll, time, patience);
        }
        catch (OperationCanceledException)
        {
            // It is missing for good, for all that this call can wait.
        }
    }

    // An engine that does not find its volume asks for it to be made: it would be given an empty one where the one with its data is out of reach.
    private void CheckNothingHidden(string name, bool isPlaced)
    {
        CheckReadable(name);
        if (!isPlaced && MissingPool() is { } missing)
            throw new StorageException(StorageError.Unavailable, $"{MayBeIn(name, missing)}. To make a new one all the same, say in which pool: -o pool=...");
    }

    private PoolStatus? MissingPool() => pools.List().FirstOrDefault(status => status.Loaded is null);

    private static string MayBeIn(string name, PoolStatus missing) =>
        $"there is no volume '{name}' in the pools that are served, but pool '{missing.Settings.Name}' is not, and may hold it: {missing.Problem}";

    private void CheckReadable(string name)
    {
        foreach (var loaded in pools.Loaded)
            loaded.CheckReadable(ObjectKey.FromName(name), isSnapshot: false);
    }

    private StorageException NotHere(string name)
    {
        CheckReadable(name);
        return MissingPool() is { } missing
            ? new StorageException(StorageError.Unavailable, MayBeIn(name, missing))
            : new StorageException(StorageError.NotFound, $"there is no volume '{name}' of this driver");
    }

    private Volume Get(DriverRequest request) => NameOf(request) is var name && Find(name) is { } volume ? volume : throw NotHere(name);

    private Volume? Find(string name) => volumes.FindByName(name) is { } volume && IsOurs(volume) ? volume : null;

    private static bool IsOurs(Volume volume) => volume.Door == Door.Docker;

    private static string NameOf(DriverRequest request) =>
        request.Name is { Length: > 0 } name ? name : throw new StorageException(StorageError.InvalidArgument, "the volume's name is missing");

    private static EngineMount MountOf(DriverRequest request) => request.ID is { Length: > 0 and <= MaxId } id
        ? new EngineMount(Door.Docker, request.Engine, id)
        : throw new StorageException(StorageError.InvalidArgument, $"the mount's ID is missing, or longer than {MaxId} characters");

    private static DriverVolume Describe(Volume volume, string? mountPoint) => new()
    {
        Name = volume.Name,
        Mountpoint = mountPoint ?? "",
        CreatedAt = volume.CreatedAt.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
    };

    private DriverVolumeStatus StatusOf(Volume volume) => new()
    {
        Pool = pools.Resolve(volume.Id.Pool).Name.ToString(),
        Size = volume.Size?.ToString(),
        Used = UsedBy(volume),
        Source = volume.Source?.ToString() ?? volume.Parameters.Source?.ToString(),
        Snapshots = [.. snapshots.List(volume.Id, 0, null).Items.Where(snapshot => snapshot.IsOf(volume)).Select(snapshot => snapshot.Name)],
    };

    // A disk that does not answer is no reason to keep back what else is known.
    private string? UsedBy(Volume volume)
    {
        try
        {
            return volumes.GetUsage(volume)?.Used.ToString();
        }
        catch (StorageException)
        {
            return null;
        }
    }
}
