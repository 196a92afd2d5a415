using Lamina.Storage;
using Xunit;

namespace Lamina.Testing.Pools;

/// <content>Families: the order of deletion does not matter.</content>
public abstract partial class PoolSpecification
{
    /// <summary>All orders of a volume, its snapshot and a copy; some of a family that goes on for two more generations.</summary>
    public static TheoryData<string> Orders =>
        ["012", "021", "102", "120", "201", "210", "01234", "43210", "13024", "31420", "20413", "42031"];

    [PoolTheory(PoolTraits.Snapshots)]
    [MemberData(nameof(Orders))]
    public async Task Family_AnyOrderOfDeletion_LeavesTheRestAsBefore(string order)
    {
        var members = await FamilyAsync(order.Length);
        var kept = Enumerable.Range(0, order.Length).ToList();

        foreach (var member in order.Select(digit => digit - '0'))
        {
            await members[member].DeleteAsync();
            kept.Remove(member);
            foreach (var rest in kept)
                await members[rest].CheckAsync($"{rest} after {member} went");
        }

        var contents = await Scratch.ReopenAsync();
        Assert.Empty(contents.Volumes);
        Assert.Empty(contents.Snapshots);
    }

    [PoolFact(PoolTraits.Snapshots)]
    public async Task Family_LosingOneAfterAnother_SurvivesRestartsInBetween()
    {
        var members = await FamilyAsync(5);

        foreach (var member in new[] { 1, 2, 0, 3 })
        {
            await members[member].DeleteAsync();
            await Scratch.ReopenAsync();
        }

        await members[4].CheckAsync("the last of the family");
    }

    // A volume, its snapshot, a volume from that, a snapshot of it, a volume from that: each with a file of its own and those it came with.
    private async Task<List<Member>> FamilyAsync(int size)
    {
        var volume = await Scratch.CreateAsync("v0");
        await Scratch.WriteAsync(volume, "f0", "0");
        var snapshot = await Scratch.SnapshotAsync(volume, "s1");
        var second = await Scratch.RestoreAsync(snapshot, "v2");
        await Scratch.WriteAsync(second, "f2", "2");
        await Scratch.WriteAsync(volume, "f0", "changed");
        if (size == 3)
            return [Of(volume, "f0 changed"), Of(snapshot, "f0 0"), Of(second, "f0 0, f2 2")];

        var secondSnapshot = await Scratch.SnapshotAsync(second, "s3");
        var third = await Scratch.RestoreAsync(secondSnapshot, "v4");
        await Scratch.WriteAsync(third, "f4", "4");
        await Scratch.WriteAsync(second, "f2", "changed");
        return
        [
            Of(volume, "f0 changed"),
            Of(snapshot, "f0 0"),
            Of(second, "f0 0, f2 changed"),
            Of(secondSnapshot, "f0 0, f2 2"),
            Of(third, "f0 0, f2 2, f4 4"),
        ];
    }

    private Member Of(Volume volume, string content) => new(
        () => Pool.DeleteVolumeAsync(volume),
        async what => Assert.Equal((what, content), (what, await ListAsync(volume))));

    private Member Of(Snapshot snapshot, string content) => new(
        () => Pool.DeleteSnapshotAsync(snapshot),
        async what =>
        {
            var copy = await Scratch.RestoreAsync(snapshot, "copy");
            Assert.Equal((what, content), (what, await ListAsync(copy)));
            await Pool.DeleteVolumeAsync(copy);
        });

    private async Task<string> ListAsync(Volume volume)
    {
        var content = "";
        await Scratch.UseAsync(volume, mounted => content = string.Join(", ", Directory.EnumerateFiles(mounted.Path)
            .Order(StringComparer.Ordinal)
            .Select(file => $"{Path.GetFileName(file)} {File.ReadAllText(file)}")));
        return content;
    }

    private sealed record Member(Func<Task> DeleteAsync, Func<string, Task> CheckAsync);
}
