using System.Diagnostics;
using System.Globalization;
using Lamina.Testing.Pools;
using Lamina.Tests.Csi;

namespace Lamina.Tests.Crashes;

/// <summary>Restores volumes that lie on more layers than stay so, and uses them, whereupon their layers are merged.</summary>
internal sealed class DeepClient(CrashScene scene, string name, int seed) : CrashClient(scene, name, seed)
{
    // One more than a volume may lie on when it is detached.
    private const int Depth = 33;
    private const long Size = 16 << 20;
    private KeptSnapshot? _deep;

    /// <summary>Makes the snapshot of many layers, with something new in some of them.</summary>
    internal async Task BeginAsync(CsiConnection connection)
    {
        var tree = new TreeModel();
        var volume = NewVolume(tree);
        await Make(volume, CallKind.Create).SendAsync(connection);
        for (var layer = 1; layer <= Depth; layer++)
        {
            // A file each, as a head without anything new is not sealed.
            await Scene.UseAsync(connection, volume.Id, path =>
            {
                Change(tree, path);
                tree.Write("layer", FormattableString.Invariant($"{layer}"), path);
            });
            var snapshotName = NewName("s");
            await connection.Controller.CreateSnapshotAsync(new() { Name = snapshotName, SourceVolumeId = volume.Id });
            if (_deep is not null)
                await connection.Controller.DeleteSnapshotAsync(new() { SnapshotId = _deep.Id });
            var kept = tree.Copy();
            _deep = new KeptSnapshot(snapshotName, Scene.IdOf(snapshotName)) { Size = Size, Tree = kept, Check = path => Assert.Equal(kept.ToString(), TreeModel.Read(path).ToString()) };
        }
        await connection.Controller.DeleteVolumeAsync(new() { VolumeId = volume.Id });
        Snapshots.Add(_deep!);
    }

    /// <inheritdoc/>
    protected override Call Next(CallKind wanted)
    {
        if (Volumes.Count == 0)
            return Make(NewVolume(_deep!.Tree), CallKind.Restore, Requests.FromSnapshot(_deep.Id));
        var volume = Volumes[0];
        return volume switch
        {
            { WasUsed: true, Staging: null } => Delete(volume),
            { Staging: null } => Stage(volume),
            { Target: null, WasUsed: false } => Publish(volume),
            { Target: not null } => Unpublish(volume),
            _ => Unstage(volume),
        };
    }

    /// <inheritdoc/>
    protected override async Task FollowAsync(Call call, KillPlan plan)
    {
        if (Volumes.FirstOrDefault() is not { } volume)
            return;
        switch (call.Kind)
        {
            case CallKind.Publish:
                Change(volume.Tree, volume.Target!);
                volume.WasUsed = true;
                break;
            case CallKind.Unstage:
                await WaitForMergeAsync(volume, plan);
                break;
        }
    }

    private async Task WaitForMergeAsync(KeptVolume volume, KillPlan plan)
    {
        var watch = Stopwatch.StartNew();
        plan.Begin(CallKind.Flatten);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!plan.IsKilling && Scene.Pool.LayersOf(volume.Name) >= Depth)
        {
            Assert.False(limit.IsCancellationRequested, $"the layers of {volume} are never merged");
            await Task.Delay(2);
        }
        if (plan.IsKilling)
            return;
        History.Add(string.Create(CultureInfo.InvariantCulture, $"merged to {Scene.Pool.LayersOf(volume.Name)}"));
        plan.End(CallKind.Flatten, watch.Elapsed);
    }

    private KeptVolume NewVolume(TreeModel content)
    {
        var (name, tree) = (NewName("v"), content.Copy());
        return new KeptVolume(name, Scene.IdOf(name)) { Size = Size, Tree = tree, Check = path => Assert.Equal(tree.ToString(), TreeModel.Read(path).ToString()) };
    }

    private void Change(TreeModel tree, string path)
    {
        for (var changes = 0; changes < 4; changes++)
            tree.ChangeSomething(Random, path);
    }
}
