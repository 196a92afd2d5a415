using Lamina.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Csi;

/// <summary>Lists of a hundred thousand, page by page, while others come and go.</summary>
public sealed class LongListTests
{
    private const int Count = 100_000;
    private const int PageSize = 1_000;
    private static readonly PoolId Pool = PoolId.NewRandom();

    [Fact]
    public async Task Lists_OfAHundredThousand_AreCompleteWhileOthersComeAndGo()
    {
        await using var daemon = await CsiDaemon.StartAsync();
        var catalog = daemon.Daemon.Services.GetRequiredService<Catalog>();
        var volumes = Enumerable.Range(0, Count).Select(i => NewVolume($"v-{i:d6}")).ToList();
        catalog.Add(Pool, new([.. volumes], [.. volumes.Select(volume => NewSnapshot(volume.Name, volume.Id))], []));
        try
        {
            var passing = 0;
            Assert.Equal(volumes.Select(volume => volume.Id.ToString()), await PagesAsync(async token =>
            {
                // One goes behind and one comes; none of them is among those that are there all the time.
                catalog.Remove(NewVolume($"passing-{passing}").Id);
                catalog.Put(NewVolume($"passing-{++passing}"));
                var page = await daemon.Controller.ListVolumesAsync(new() { MaxEntries = PageSize, StartingToken = token });
                return (page.Entries.Select(entry => entry.Volume.VolumeId), page.NextToken);
            }));
            Assert.Equal(volumes.Select(volume => volume.Id.ToString()), await PagesAsync(async token =>
            {
                var page = await daemon.Controller.ListSnapshotsAsync(new() { MaxEntries = PageSize, StartingToken = token });
                return (page.Entries.Select(entry => entry.Snapshot.SnapshotId), page.NextToken);
            }));
            Assert.Single((await daemon.Controller.ListSnapshotsAsync(new() { SnapshotId = volumes[Count / 2].Id.ToString() })).Entries);
        }
        finally
        {
            foreach (var volume in catalog.Volumes().ToList())
                catalog.Remove(volume.Id);
        }
    }

    [Fact]
    public void Lists_OfTenTimesAsMany_CostAboutTenTimesAsMuch()
    {
        // Work without a clock: what the lists allocate grows with what they walk.
        var (small, large) = (CostOfPages(Count / 10), CostOfPages(Count));
        Assert.InRange((double)large / small, 1, 15);
    }

    private static long CostOfPages(int count)
    {
        var catalog = new Catalog();
        var volumes = Enumerable.Range(0, count).Select(i => NewVolume($"v-{i:d6}")).ToList();
        var one = volumes[0].Id;
        catalog.Add(Pool, new([.. volumes], [.. volumes.Select(volume => NewSnapshot(volume.Name, one))], []));
        var before = GC.GetAllocatedBytesForCurrentThread();
        VolumeId? last = null;
        for (var seen = 0; seen < count; seen += PageSize)
            last = catalog.Volumes(last).Take(PageSize).ToList()[^1].Id;
        SnapshotId? lastSnapshot = null;
        for (var seen = 0; seen < count; seen += PageSize)
            lastSnapshot = catalog.SnapshotsOf(one, lastSnapshot).Take(PageSize).ToList()[^1].Id;
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static async Task<IEnumerable<string>> PagesAsync(Func<string, Task<(IEnumerable<string> Ids, string Next)>> next)
    {
        var ids = new List<string>();
        var token = "";
        do
        {
            (var page, token) = await next(token);
            ids.AddRange(page);
        }
        while (token.Length > 0);
        return ids.Where(id => !id.Contains("passing", StringComparison.Ordinal));
    }

    private static Volume NewVolume(string name) => new()
    {
        Id = new VolumeId(Pool, ObjectKey.FromName(name)),
        Name = name,
        Size = ByteSize.FromMebibytes(1),
        Door = Door.Csi,
        CreatedAt = DateTimeOffset.UnixEpoch,
    };

    private static Snapshot NewSnapshot(string name, VolumeId of) => new()
    {
        Id = new SnapshotId(Pool, ObjectKey.FromName(name)),
        Name = name,
        SourceVolume = of,
        Door = Door.Csi,
        CreatedAt = DateTimeOffset.UnixEpoch,
    };
}
