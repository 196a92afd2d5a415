using Lamina.Storage.Pools;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Zfs;

/// <summary>
/// Families that branch, whose members go in any order: ZFS ties a snapshot to its dataset and a clone to its snapshot, and nothing of that may be left or
/// be in anybody's way. Many families go at once, one member of each after another.
/// </summary>
[Collection<ZfsCollection>]
public sealed class ZfsFamilyTests(ZfsFileSystem fileSystem) : IAsyncLifetime
{
    private const int Samples = 6;
    private const int Empty = 4;
    private ZfsScratchPool _scratch = null!;

    private IPool Pool => _scratch.Pool;

    public async ValueTask InitializeAsync() => _scratch = await ZfsScratchPool.CreateAsync(fileSystem);

    public ValueTask DisposeAsync() => _scratch.DisposeAsync();

    [Fact]
    public async Task Family_OfTwoClonesOfOneSnapshot_GoesInEveryOrder()
    {
        // The two clones are the same in all but their names.
        var orders = Permutations([0, 1, 2, 3]).Where(order => Array.IndexOf(order, 2) < Array.IndexOf(order, 3)).ToList();
        Assert.Equal(12, orders.Count);

        await DeleteAsync(orders, async name =>
        {
            var volume = await _scratch.CreateAsync($"{name}-v0");
            var snapshot = await _scratch.SnapshotAsync(volume, $"{name}-s1");
            return [Of(volume), Of(snapshot), Of(await _scratch.RestoreAsync(snapshot, $"{name}-v2")), Of(await _scratch.RestoreAsync(snapshot, $"{name}-v3"))];
        });
    }

    [Fact]
    public async Task Family_OfThreeLevelsThatBranch_GoesInAnyOrder()
    {
        var seed = Environment.TickCount;
        TestContext.Current.SendDiagnosticMessage($"orders of seed {seed}");
        var random = new Random(seed);
        var orders = Enumerable.Range(0, Samples).Select(_ =>
        {
            var order = Enumerable.Range(0, 9).ToArray();
            random.Shuffle(order);
            return order;
        }).ToList();

        try
        {
            await DeleteAsync(orders, BranchingAsync);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"With seed {seed}, which are the orders {string.Join(' ', orders.Select(order => string.Concat(order)))}: {e.Message}", e);
        }
    }

    [Fact]
    public async Task Family_OfThreeLevels_KeepsWhatIsLeftWhileTheRestGoesOverRestarts()
    {
        var volume = await _scratch.CreateAsync("v0");
        await _scratch.WriteAsync(volume, "file", "v0");
        var first = await _scratch.SnapshotAsync(volume, "s1");
        var left = await _scratch.RestoreAsync(first, "left");
        var right = await _scratch.RestoreAsync(first, "right");
        await _scratch.WriteAsync(right, "file", "right");
        var second = await _scratch.SnapshotAsync(right, "s2");
        var third = await _scratch.RestoreAsync(second, "third");
        var copy = await _scratch.CloneAsync(third, "copy");

        foreach (var member in (List<Func<Task>>)[Of(right), Of(volume), Of(third), Of(first)])
        {
            await member();
            await _scratch.ReopenAsync();
            Assert.Equal("v0", await _scratch.ReadAsync(left, "file"));
            Assert.Equal("right", await _scratch.ReadAsync(copy, "file"));
        }
        var restored = await _scratch.RestoreAsync(second, "restored");
        Assert.Equal("right", await _scratch.ReadAsync(restored, "file"));

        foreach (var member in (List<Func<Task>>)[Of(second), Of(copy), Of(left), Of(restored)])
            await member();
        await IsEmptyAsync();
    }

    // Of each family the next member, and so on: they go while the trash of the others is emptied.
    private async Task DeleteAsync(List<int[]> orders, Func<string, Task<List<Func<Task>>>> makeAsync)
    {
        var families = new List<List<Func<Task>>>();
        for (var family = 0; family < orders.Count; family++)
            families.Add(await makeAsync(FormattableString.Invariant($"f{family}")));
        for (var step = 0; step < orders[0].Length; step++)
        {
            for (var family = 0; family < orders.Count; family++)
                await families[family][orders[family][step]]();
        }
        await IsEmptyAsync();
        var contents = await _scratch.ReopenAsync();
        Assert.Empty(contents.Volumes);
        Assert.Empty(contents.Snapshots);
        Assert.Empty(contents.Unreadable);
    }

    // v0 with s1; two volumes of that, left and right; s4 and s5 of left; two volumes of s4; a copy of right and a snapshot of it.
    private async Task<List<Func<Task>>> BranchingAsync(string name)
    {
        var volume = await _scratch.CreateAsync($"{name}-v0");
        var first = await _scratch.SnapshotAsync(volume, $"{name}-s1");
        var left = await _scratch.RestoreAsync(first, $"{name}-left");
        var right = await _scratch.RestoreAsync(first, $"{name}-right");
        var second = await _scratch.SnapshotAsync(left, $"{name}-s4");
        var grandchild = await _scratch.RestoreAsync(second, $"{name}-v5");
        var sibling = await _scratch.RestoreAsync(second, $"{name}-v6");
        var copy = await _scratch.CloneAsync(right, $"{name}-copy");
        var last = await _scratch.SnapshotAsync(copy, $"{name}-s8");
        return [Of(volume), Of(first), Of(left), Of(right), Of(second), Of(grandchild), Of(sibling), Of(copy), Of(last)];
    }

    private Func<Task> Of(Volume volume) => () => Pool.DeleteVolumeAsync(volume);

    private Func<Task> Of(Snapshot snapshot) => () => Pool.DeleteSnapshotAsync(snapshot);

    private async Task IsEmptyAsync()
    {
        // As long as there are fewer and fewer, all is well.
        for (var left = _scratch.List(); left.Count > Empty; left = _scratch.List())
            await Eventually.TrueAsync(() => _scratch.List().Count < left.Count, $"less is left than {string.Join(' ', left)}");
        Assert.Equal(Empty, _scratch.List().Count);
    }

    private static IEnumerable<int[]> Permutations(int[] of) => of.Length == 1
        ? [of]
        : of.SelectMany(first => Permutations([.. of.Where(other => other != first)]).Select(rest => (int[])[first, .. rest]));
}
