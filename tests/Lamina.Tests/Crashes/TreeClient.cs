using Lamina.Testing.Pools;
using Lamina.Tests.Csi;

namespace Lamina.Tests.Crashes;

/// <summary>Does what comes to its mind to a few volumes and snapshots, whose content it keeps as plain trees.</summary>
internal sealed class TreeClient(CrashScene scene, string name, int seed) : CrashClient(scene, name, seed)
{
    private const int MaxVolumes = 3;
    private const int MaxSnapshots = 3;
    private const long Mebibyte = 1 << 20;

    /// <inheritdoc/>
    protected override Call Next(CallKind wanted)
    {
        var possible = Possible().ToList();
        var hits = Random.Next(2) == 0 ? possible.FindAll(call => call.Kind == wanted) : [];
        var chosen = hits.Count > 0 ? hits : possible;
        return chosen[Random.Next(chosen.Count)].Choose();
    }

    private IEnumerable<(CallKind Kind, Func<Call> Choose)> Possible()
    {
        if (Volumes.Count < MaxVolumes)
        {
            yield return (CallKind.Create, () => Make(NewVolume("v", new TreeModel(), 16 * Mebibyte), CallKind.Create));
            foreach (var snapshot in Snapshots)
                yield return (CallKind.Restore, () => Make(NewVolume("r", snapshot.Tree, Larger(snapshot.Size)), CallKind.Restore, Requests.FromSnapshot(snapshot.Id)));
        }
        foreach (var volume in Volumes)
        {
            if (Volumes.Count < MaxVolumes)
                yield return (CallKind.Clone, () => Make(NewVolume("c", volume.Tree, Larger(volume.Size)), CallKind.Clone, Requests.FromVolume(volume.Id)));
            if (Snapshots.Count < MaxSnapshots)
                yield return (volume.Staging is null ? CallKind.Snapshot : CallKind.LiveSnapshot, () => Snapshot(volume, NewSnapshot(volume)));
            yield return (CallKind.Expand, () => Expand(volume, volume.Size + Mebibyte));
            foreach (var call in UsesOf(volume))
                yield return call;
        }
        foreach (var snapshot in Snapshots)
            yield return (CallKind.DeleteSnapshot, () => Delete(snapshot));
    }

    private IEnumerable<(CallKind Kind, Func<Call> Choose)> UsesOf(KeptVolume volume)
    {
        if (volume.Staging is null)
        {
            yield return (CallKind.DeleteVolume, () => Delete(volume));
            yield return (CallKind.Stage, () => Stage(volume));
        }
        else if (volume.Target is null)
        {
            yield return (CallKind.Unstage, () => Unstage(volume));
            yield return (CallKind.Publish, () => Publish(volume));
        }
        else
        {
            yield return (CallKind.Unpublish, () => Unpublish(volume));
        }
    }

    /// <inheritdoc/>
    protected override Task FollowAsync(Call call, KillPlan plan)
    {
        foreach (var volume in Volumes.Where(volume => volume.Target is not null))
            volume.Tree.ChangeSomething(Random, volume.Target!);
        return Task.CompletedTask;
    }

    private KeptVolume NewVolume(string sort, TreeModel content, long size)
    {
        var (name, tree) = (NewName(sort), content.Copy());
        return new KeptVolume(name, Scene.IdOf(name)) { Size = size, Tree = tree, Check = path => Compare(name, tree, path) };
    }

    private KeptSnapshot NewSnapshot(KeptVolume volume)
    {
        var (name, tree) = (NewName("s"), volume.Tree.Copy());
        return new KeptSnapshot(name, Scene.IdOf(name)) { Size = volume.Size, Tree = tree, Check = path => Compare(name, tree, path) };
    }

    private long Larger(long size) => size + (Random.Next(3) * Mebibyte);

    private static void Compare(string name, TreeModel tree, string path) => Assert.Equal($"{name}\n{tree}", $"{name}\n{TreeModel.Read(path)}");
}
