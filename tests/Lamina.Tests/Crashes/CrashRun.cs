using System.Collections.Concurrent;
using System.Globalization;
using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Tests.Csi;

namespace Lamina.Tests.Crashes;

/// <summary>
/// Several clients at one daemon, which is killed in the middle of their calls and started again, many times. After every kill an outsider
/// compares what is there with what was answered.
/// </summary>
internal sealed class CrashRun(CrashScene scene, int seed)
{
    private const int TreeClients = 3;
    private readonly Random _random = new(seed);
    private readonly ConcurrentDictionary<CallKind, List<TimeSpan>> _durations = [];
    private readonly List<CrashClient> _clients = [];
    private LiveClient? _live;

    /// <summary>What was not answered when the daemon died, by kill, and what its death left in the pool.</summary>
    internal List<(IReadOnlyList<CallKind> Unanswered, int Left)> Kills { get; } = [];

    /// <summary>What the clients may be hit in: all but the merging of layers where there are none.</summary>
    internal IReadOnlyList<CallKind> Kinds { get; } =
        [.. Enum.GetValues<CallKind>().Where(kind => kind != CallKind.Flatten || scene.Pool.Backend == PoolBackend.Overlay2)];

    /// <summary>Kills so many times, in calls of every kind, and gives everything back in the end.</summary>
    internal async Task RunAsync(int kills)
    {
        var wanted = Wanted(kills);
        await RunAsync(() => Kills.Count < kills ? wanted[Kills.Count] : null);
    }

    /// <summary>Kills as long as it is told what to hit, and gives everything back in the end.</summary>
    internal async Task RunAsync(Func<CallKind?> next)
    {
        try
        {
            await scene.Daemon.StartAsync();
            await BeginAsync();
            while (next() is { } wanted)
            {
                await WorkUntilKilledAsync(wanted);
                AssertMountsStay();
                await scene.Daemon.StartAsync();
                await CheckAsync();
            }
            await EndAsync();
        }
        catch (Exception e)
        {
            var history = string.Concat(_clients.Select(client => $"\n- {string.Join(", ", client.History.TakeLast(60))}"));
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"with seed {seed}, after {Kills.Count} kills: {e.Message}{history}\n{scene.Daemon.Log}"), e);
        }
        finally
        {
            if (_live is not null)
                await _live.EndWriterAsync();
        }
    }

    // Every kind as often as every other, in any order.
    private List<CallKind> Wanted(int kills)
    {
        var wanted = new List<CallKind>();
        while (wanted.Count < kills)
            wanted.AddRange(Kinds.OrderBy(_ => _random.Next()));
        return wanted;
    }

    private async Task BeginAsync()
    {
        using var connection = new CsiConnection(scene.CsiSocket);
        for (var number = 1; number <= TreeClients; number++)
            _clients.Add(new TreeClient(scene, string.Create(CultureInfo.InvariantCulture, $"c{number}"), _random.Next()));
        if (scene.Pool.Backend != PoolBackend.Overlay2)
            return;
        var deep = new DeepClient(scene, "deep", _random.Next());
        await deep.BeginAsync(connection);
        _live = new LiveClient(scene, "live", _random.Next());
        await _live.BeginAsync(connection);
        _clients.AddRange([deep, _live]);
    }

    private async Task WorkUntilKilledAsync(CallKind wanted)
    {
        var plan = new KillPlan(wanted, _random.Next(10, 40), _random, _durations, scene.Daemon.Kill);
        await Task.WhenAll(_clients.Select(client => client.WorkAsync(plan)));
        await plan.Killed;
        var unanswered = _clients.Select(client => client.InDoubt?.Kind).OfType<CallKind>().ToList();
        var left = scene.Pool.Names("incoming").Count + scene.Pool.Names("trash").Count + scene.Pool.UnnamedLayers().Count;
        if (wanted == CallKind.Flatten && scene.Pool.UnnamedLayers().Count > 0)
            unanswered.Add(CallKind.Flatten);
        Kills.Add((unanswered, left));
    }

    private void AssertMountsStay()
    {
        foreach (var volume in _clients.SelectMany(client => client.Volumes.Where(volume => volume.Target is not null && client.InDoubt?.Object != volume.Id)))
        {
            Assert.Single(MountTable.Read().At(volume.Target!));
            volume.Check(volume.Target!);
        }
    }

    private async Task CheckAsync()
    {
        using var connection = new CsiConnection(scene.CsiSocket);
        var found = await FoundAsync(connection);
        AssertNothingLostAndNothingNew(found.Keys.ToHashSet());
        await Task.WhenAll(_clients.Select(client => client.ResolveAsync(connection, found.Keys.ToHashSet())));
        await Task.WhenAll(_clients.Select(client => client.CheckAsync(connection)));
        if (_live is not null)
            await _live.WriterGoesOnAsync();

        // Now nothing is in doubt any more.
        Assert.Equal(
            _clients.SelectMany(client => client.Volumes.Concat<KeptObject>(client.Snapshots)).Select(kept => (kept.Id, kept.Size)).Order(),
            (await FoundAsync(connection)).Select(kept => (kept.Key, kept.Value)).Order());
        await AssertPoolIsWellAsync();
        AssertHoldersAndMounts();
    }

    private async Task EndAsync()
    {
        using (var connection = new CsiConnection(scene.CsiSocket))
        {
            foreach (var client in _clients)
                await client.EndAsync(connection);
            Assert.Empty(await FoundAsync(connection));
        }
        await AssertPoolIsWellAsync();
        AssertHoldersAndMounts();
        if (scene.Pool.Backend == PoolBackend.Overlay2)
            Assert.Empty(scene.Pool.Names("layers"));
        Assert.Equal(0, await scene.Daemon.StopAsync());
        Assert.False(File.Exists(scene.CsiSocket));
        Assert.Empty(scene.Daemon.Faults());
    }

    // What was answered is there, what is there was asked for, and what is in doubt is there or not.
    private void AssertNothingLostAndNothingNew(IReadOnlySet<string> found)
    {
        var answered = _clients.SelectMany(client => client.Volumes.Concat<KeptObject>(client.Snapshots)).Select(kept => kept.Id).ToHashSet();
        var inDoubt = _clients.Select(client => client.InDoubt).OfType<Call>().Where(call => call.Makes is not null || call.Kind is CallKind.DeleteVolume or CallKind.DeleteSnapshot)
            .Select(call => call.Object).ToHashSet();
        Assert.Empty(answered.Except(found).Except(inDoubt));
        Assert.Empty(found.Except(answered).Except(inDoubt));
    }

    private async Task AssertPoolIsWellAsync()
    {
        using var channel = UnixChannel.To(scene.Daemon.AdminSocket);
        var pool = await new V1.Pools.PoolsClient(channel).InspectAsync(new() { Pool = "scratch" });
        Assert.Empty(pool.Unreadable);
        await scene.Pool.IsTidyAsync();
    }

    // Every holder is one that a client has, and every mount has holders.
    private void AssertHoldersAndMounts()
    {
        var volumes = _clients.SelectMany(client => client.Volumes).Where(volume => volume.Staging is not null).ToList();
        var expected = volumes.Select(volume => $"{volume.Id}: {(volume.Target is null ? 1 : 2)}").Order();
        var holders = Path.Combine(scene.Daemon.RuntimeDirectory, "holders");
        Assert.Equal(expected, Directory.EnumerateDirectories(holders).Select(path => $"{Path.GetFileName(path)}: {Directory.GetFileSystemEntries(path).Length}").Order());
        var mounts = Path.Combine(scene.Daemon.RuntimeDirectory, "mounts");
        Assert.Equal(volumes.Select(volume => Path.Combine(mounts, volume.Id)).Order(), MountTable.Read().Beneath(mounts).Select(mount => mount.MountPoint).Order());
        Assert.Equal(volumes.Select(volume => volume.Id).Order(), Directory.EnumerateDirectories(mounts).Select(path => Path.GetFileName(path)).Order());
        Assert.Equal(
            volumes.Select(volume => volume.Target).OfType<string>().Order(), MountTable.Read().Beneath(scene.Kubelet).Select(mount => mount.MountPoint).Order());
    }

    private static async Task<Dictionary<string, long>> FoundAsync(CsiConnection connection)
    {
        var volumes = (await connection.Controller.ListVolumesAsync(new())).Entries.Select(entry => (entry.Volume.VolumeId, entry.Volume.CapacityBytes));
        var snapshots = (await connection.Controller.ListSnapshotsAsync(new())).Entries.Select(entry => (entry.Snapshot.SnapshotId, entry.Snapshot.SizeBytes));
        return volumes.Concat(snapshots).ToDictionary();
    }
}
