using System.Diagnostics;
using System.Globalization;
using Grpc.Core;
using Lamina.Tests.Csi;
using Wire = Csi.V1;

namespace Lamina.Tests.Crashes;

/// <summary>
/// A client of a daemon that is killed again and again. It makes one call after the other on objects of its own, and keeps books of what was
/// answered: those objects must be there for good. The one call that was not answered when the daemon died is in doubt.
/// </summary>
internal abstract class CrashClient(CrashScene scene, string name, int seed)
{
    private int _count;

    /// <summary>The volumes that were answered.</summary>
    internal List<KeptVolume> Volumes { get; } = [];

    /// <summary>The snapshots that were answered.</summary>
    internal List<KeptSnapshot> Snapshots { get; } = [];

    /// <summary>The call that was not answered.</summary>
    internal Call? InDoubt { get; private set; }

    /// <summary>What it has called, for whom a failure puzzles.</summary>
    internal List<string> History { get; } = [];

    protected CrashScene Scene => scene;

    protected Random Random { get; } = new(seed);

    /// <summary>Calls until the daemon is dead.</summary>
    internal async Task WorkAsync(KillPlan plan)
    {
        using var connection = new CsiConnection(scene.CsiSocket);
        while (!plan.IsKilling && await TryAsync(connection, Next(plan.Wanted), plan))
        {
            // The books say what comes next.
        }
    }

    /// <summary>Calls once more what was in doubt, as whoever called does when the daemon is back. First its object must be whole, if it is there.</summary>
    internal async Task ResolveAsync(CsiConnection connection, IReadOnlySet<string> found)
    {
        if (InDoubt is not { } call)
            return;
        if (call.Makes is { } made && found.Contains(made.Id))
            await CheckAsync(connection, made);
        await call.SendAsync(connection);
        Answered(call);
        InDoubt = null;
    }

    /// <summary>Compares all that it has with its books.</summary>
    internal async Task CheckAsync(CsiConnection connection)
    {
        foreach (var kept in Volumes.Concat<KeptObject>(Snapshots))
            await CheckAsync(connection, kept);
    }

    /// <summary>Gives back all that it has.</summary>
    internal virtual async Task EndAsync(CsiConnection connection)
    {
        foreach (var volume in Volumes)
        {
            if (volume.Target is not null)
                await Unpublish(volume).SendAsync(connection);
            if (volume.Staging is not null)
                await Unstage(volume).SendAsync(connection);
            await Delete(volume).SendAsync(connection);
        }
        foreach (var snapshot in Snapshots)
            await Delete(snapshot).SendAsync(connection);
        Volumes.Clear();
        Snapshots.Clear();
    }

    /// <summary>The call that comes next.</summary>
    /// <param name="wanted">The kind that is to be hit: it should come soon.</param>
    protected abstract Call Next(CallKind wanted);

    /// <summary>What follows an answer, before the next call.</summary>
    protected virtual Task FollowAsync(Call call, KillPlan plan) => Task.CompletedTask;

    /// <summary>Makes a call.</summary>
    /// <returns>False when it is in doubt, as the daemon was killed.</returns>
    private async Task<bool> TryAsync(CsiConnection connection, Call call, KillPlan plan)
    {
        History.Add(call.ToString());
        var watch = Stopwatch.StartNew();
        plan.Begin(call.Kind);
        try
        {
            await call.SendAsync(connection);
        }
        catch (RpcException e) when (plan.IsKilling && e.Status.DebugException is not null)
        {
            // Not the daemon's word, but that of our own end of the connection.
            History.Add($"unanswered: {e.StatusCode}");
            InDoubt = call;
            return false;
        }
        plan.End(call.Kind, watch.Elapsed);
        Answered(call);
        await FollowAsync(call, plan);
        return true;
    }

    private void Answered(Call call)
    {
        call.Answered();
        History.Add("answered");
    }

    protected string NewName(string sort) => string.Create(CultureInfo.InvariantCulture, $"{name}-{sort}{_count++}");

    protected Call Make(KeptVolume volume, CallKind kind, Wire.VolumeContentSource? source = null)
    {
        var request = Requests.CreateVolume(volume.Name);
        request.CapacityRange = new() { RequiredBytes = volume.Size };
        request.VolumeContentSource = source;
        return new Call(
            kind,
            volume.Id,
            async connection => Assert.Equal((volume.Id, volume.Size), await connection.Controller.CreateVolumeAsync(request) is var answer ? (answer.Volume.VolumeId, answer.Volume.CapacityBytes) : default),
            () => Volumes.Add(volume)) { Makes = volume };
    }

    protected Call Snapshot(KeptVolume volume, KeptSnapshot snapshot) => new(
        volume.Staging is null ? CallKind.Snapshot : CallKind.LiveSnapshot,
        snapshot.Id,
        async connection => Assert.Equal(
            snapshot.Id, (await connection.Controller.CreateSnapshotAsync(new() { Name = snapshot.Name, SourceVolumeId = volume.Id })).Snapshot.SnapshotId),
        () => Snapshots.Add(snapshot)) { Makes = snapshot };

    protected Call Expand(KeptVolume volume, long size) => new(
        CallKind.Expand,
        volume.Id,
        async connection => await connection.Controller.ControllerExpandVolumeAsync(new() { VolumeId = volume.Id, CapacityRange = new() { RequiredBytes = size } }),
        () => volume.Size = size);

    protected Call Delete(KeptVolume volume) => new(
        CallKind.DeleteVolume,
        volume.Id,
        async connection => await connection.Controller.DeleteVolumeAsync(new() { VolumeId = volume.Id }),
        () => Volumes.Remove(volume));

    protected Call Delete(KeptSnapshot snapshot) => new(
        CallKind.DeleteSnapshot,
        snapshot.Id,
        async connection => await connection.Controller.DeleteSnapshotAsync(new() { SnapshotId = snapshot.Id }),
        () => Snapshots.Remove(snapshot));

    protected Call Stage(KeptVolume volume)
    {
        var path = scene.NewStagingPath(volume.Name);
        return new(
            CallKind.Stage,
            volume.Id,
            async connection => await connection.Node.NodeStageVolumeAsync(Requests.Stage(volume.Id, path)),
            () => volume.Staging = path);
    }

    protected Call Publish(KeptVolume volume)
    {
        var target = scene.NewTargetPath(volume.Name);
        return new(
            CallKind.Publish,
            volume.Id,
            async connection => await connection.Node.NodePublishVolumeAsync(Requests.Publish(volume.Id, volume.Staging!, target)),
            () => volume.Target = target);
    }

    protected Call Unpublish(KeptVolume volume) => new(
        CallKind.Unpublish,
        volume.Id,
        async connection => await connection.Node.NodeUnpublishVolumeAsync(new() { VolumeId = volume.Id, TargetPath = volume.Target }),
        () => volume.Target = null);

    protected Call Unstage(KeptVolume volume) => new(
        CallKind.Unstage,
        volume.Id,
        async connection => await connection.Node.NodeUnstageVolumeAsync(new() { VolumeId = volume.Id, StagingTargetPath = volume.Staging }),
        () => (volume.Staging, volume.WasUsed) = (null, true));

    private async Task CheckAsync(CsiConnection connection, KeptObject kept)
    {
        if (kept is KeptVolume { Target: { } target })
        {
            kept.Check(target);
            return;
        }
        if (kept is KeptVolume volume)
        {
            // One that is staged already is staged twice: in use by two, which is fine.
            await scene.UseAsync(connection, volume.Id, kept.Check);
            return;
        }
        var restored = scene.IdOf(NewName("check"));
        var request = Requests.CreateVolume(restored[(restored.IndexOf('.', StringComparison.Ordinal) + 1)..]);
        request.VolumeContentSource = Requests.FromSnapshot(kept.Id);
        Assert.Equal(kept.Size, (await connection.Controller.CreateVolumeAsync(request)).Volume.CapacityBytes);
        await scene.UseAsync(connection, restored, kept.Check);
        await connection.Controller.DeleteVolumeAsync(new() { VolumeId = restored });
    }
}
