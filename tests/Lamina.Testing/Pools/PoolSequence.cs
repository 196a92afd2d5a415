using Lamina.Storage;
using Xunit;

namespace Lamina.Testing.Pools;

/// <summary>
/// Does to a pool what comes to its mind, and the same to plain trees in memory, which must look the same ever after. A seed gives the same
/// sequence again.
/// </summary>
public sealed class PoolSequence
{
    private const int MaxObjects = 8;
    private readonly ScratchPool _pool;
    private readonly Random _random;
    private readonly List<(Volume Volume, TreeModel Tree)> _volumes = [];
    private readonly List<(Snapshot Snapshot, TreeModel Tree)> _snapshots = [];
    private readonly List<string> _history = [];
    private int _count;

    public PoolSequence(ScratchPool pool, int seed)
    {
        _pool = pool;
        _random = new Random(seed);
    }

    /// <summary>Does so many steps, and then compares everything.</summary>
    public async Task RunAsync(int steps)
    {
        try
        {
            for (var i = 0; i < steps; i++)
                await StepAsync();
            await CompareAllAsync();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{e.Message}\nafter: {string.Join(", ", _history)}", e);
        }
    }

    private Task StepAsync() => _random.Next(20) switch
    {
        < 2 when _volumes.Count < MaxObjects => CreateAsync(),
        < 9 when _volumes.Count > 0 => WriteAsync(Any(_volumes)),
        < 12 when _volumes.Count > 0 && _snapshots.Count < MaxObjects => SnapshotAsync(Any(_volumes)),
        < 14 when _snapshots.Count > 0 && _volumes.Count < MaxObjects => RestoreAsync(Any(_snapshots)),
        14 when _volumes.Count is > 0 and < MaxObjects => CloneAsync(Any(_volumes)),
        < 17 when _volumes.Count > 0 => DeleteAsync(Any(_volumes)),
        < 19 when _snapshots.Count > 0 => DeleteAsync(Any(_snapshots)),
        19 => RestartAsync(),
        _ => Task.CompletedTask,
    };

    private async Task CreateAsync()
    {
        Note($"create n{_count}");
        _volumes.Add((await _pool.CreateAsync(NewName()), new TreeModel()));
    }

    private Task WriteAsync((Volume Volume, TreeModel Tree) target)
    {
        Note($"write {target.Volume.Name}");
        return _pool.UseAsync(target.Volume, mounted =>
        {
            Assert.Equal(target.Tree.ToString(), TreeModel.Read(mounted.Path).ToString());
            for (var changes = _random.Next(1, 6); changes > 0; changes--)
                target.Tree.ChangeSomething(_random, mounted.Path);
        });
    }

    private async Task SnapshotAsync((Volume Volume, TreeModel Tree) source)
    {
        Note($"snapshot {source.Volume.Name} as n{_count}");
        _snapshots.Add((await _pool.SnapshotAsync(source.Volume, NewName()), source.Tree.Copy()));
    }

    private async Task RestoreAsync((Snapshot Snapshot, TreeModel Tree) source)
    {
        Note($"restore {source.Snapshot.Name} as n{_count}");
        _volumes.Add((await _pool.RestoreAsync(source.Snapshot, NewName()), source.Tree.Copy()));
    }

    private async Task CloneAsync((Volume Volume, TreeModel Tree) source)
    {
        Note($"clone {source.Volume.Name} as n{_count}");
        _volumes.Add((await _pool.CloneAsync(source.Volume, NewName()), source.Tree.Copy()));
    }

    private async Task DeleteAsync((Volume Volume, TreeModel Tree) entry)
    {
        Note($"delete {entry.Volume.Name}");
        await _pool.Pool.DeleteVolumeAsync(entry.Volume);
        _volumes.Remove(entry);
    }

    private async Task DeleteAsync((Snapshot Snapshot, TreeModel Tree) entry)
    {
        Note($"delete {entry.Snapshot.Name}");
        await _pool.Pool.DeleteSnapshotAsync(entry.Snapshot);
        _snapshots.Remove(entry);
    }

    private async Task RestartAsync()
    {
        Note($"restart");
        var contents = await _pool.ReopenAsync();
        Assert.Equal(_volumes.Select(entry => entry.Volume.Id).Order(), contents.Volumes.Select(loaded => loaded.Id).Order());
        Assert.Equal(_snapshots.Select(entry => entry.Snapshot.Id).Order(), contents.Snapshots.Select(loaded => loaded.Id).Order());
        Assert.Empty(contents.Unreadable);
    }

    private async Task CompareAllAsync()
    {
        foreach (var (volume, tree) in _volumes)
            await CompareAsync(volume, tree);
        foreach (var (snapshot, tree) in _snapshots)
        {
            var copy = await _pool.RestoreAsync(snapshot, NewName());
            await CompareAsync(copy, tree);
            await _pool.Pool.DeleteVolumeAsync(copy);
        }
    }

    private Task CompareAsync(Volume volume, TreeModel tree)
    {
        Note($"compare {volume.Name}");
        return _pool.UseAsync(volume, mounted => Assert.Equal(tree.ToString(), TreeModel.Read(mounted.Path).ToString()));
    }

    private T Any<T>(List<T> list) => list[_random.Next(list.Count)];

    private string NewName() => FormattableString.Invariant($"n{_count++}");

    private void Note(FormattableString step) => _history.Add(FormattableString.Invariant(step));
}
