using Lamina.Cluster;
using Lamina.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Tests.Cluster;

/// <summary>When somebody is called an orphan, and how often that is told.</summary>
public sealed class OrphanTests : IAsyncLifetime
{
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(10);
    private readonly SettableClock _time = new();
    private readonly PoolId _pool = PoolId.NewRandom();
    private readonly PersistentVolumeIndex _index = new();
    private NoPools _parts = null!;

    public async ValueTask InitializeAsync() => _parts = await NoPools.MakeAsync();

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public void Orphans_BeforeTheGraceIsOver_AreNotKnown()
    {
        _parts.Add(_pool, "alone");
        var finder = Finder();

        Assert.Null(finder.Look(List(), Grace));
        Assert.False(finder.NeedsList);
        var view = List();
        _time.Advance(Grace);
        Assert.Null(finder.Look(view, Grace));
        Assert.True(finder.NeedsList);
        Assert.Equal($"{_pool}.alone", Assert.Single(finder.Look(List(), Grace)!.Value).Name);
        Assert.False(finder.NeedsList);

        // What comes to be alone later is none until its own grace is over, and that is known.
        _parts.Add(_pool, "later");
        Assert.Single(finder.Look(List(), Grace)!.Value);
    }

    [Fact]
    public void Orphans_WhereNobodyIsAlone_AreNone() => Assert.Empty(Finder().Look(List(), Grace)!.Value);

    [Fact]
    public void Clock_ThatIsSet_MakesNoOrphan()
    {
        _parts.Add(_pool, "alone");
        var finder = Finder();
        finder.Look(List(), Grace);

        _time.SetBy = TimeSpan.FromDays(1);

        Assert.Null(finder.Look(List(), Grace));
    }

    [Fact]
    public void Orphan_ThatStaysOne_IsToldAgain_AndLoggedOnce()
    {
        _parts.Add(_pool, "alone");
        var (notices, queue, log) = Notices();
        Look(notices);
        _time.Advance(Grace);
        Look(notices);
        Assert.Contains($"{_pool}.alone", Assert.Single(Told(queue)).Message, StringComparison.Ordinal);
        Look(notices);
        Assert.Empty(Told(queue));

        _time.Advance(TimeSpan.FromMinutes(45));
        Look(notices);

        Assert.Single(Told(queue));
        Assert.Single(log.Collector.GetSnapshot(), entry => entry.Level == LogLevel.Warning);
    }

    [Fact]
    public void Orphans_OfWhichThereAreMany_AreToldTogether_AlsoAgain()
    {
        _parts.Add(_pool, Enumerable.Range(0, OrphanNotices.MaxAtOnce + 1).Select(i => $"alone-{i}"));
        var (notices, queue, _) = Notices();
        Look(notices);
        _time.Advance(Grace);
        Look(notices);
        Assert.Contains("11 volumes and PersistentVolumes", Assert.Single(Told(queue)).Message, StringComparison.Ordinal);

        for (var minute = 0; minute < 45; minute++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            Look(notices);
        }

        Assert.Contains("11 volumes and PersistentVolumes", Assert.Single(Told(queue)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Orphan_ForWhoseNoticeThereIsNoRoom_IsToldWhenThereIs()
    {
        _parts.Add(_pool, "alone");
        var (notices, queue, _) = Notices();
        while (queue.Tell(new Notice(NoticeReason.PoolOffline, ClusterObject.Node("node-1"), "", "", default)))
        {
        }
        Look(notices);
        _time.Advance(Grace);
        Look(notices);
        Assert.Equal(ClusterNotices.Capacity, Told(queue).Count);

        Look(notices);

        Assert.Equal(NoticeReason.VolumeOrphaned, Assert.Single(Told(queue)).Reason);
    }

    private OrphanFinder Finder() => new(_parts.Catalog, _parts.Pools, _parts.Forgotten, _time);

    private (OrphanNotices Notices, ClusterNotices Queue, FakeLogger<OrphanNotices> Log) Notices()
    {
        var (options, standing, log) = (NoPools.Options(), new ClusterStanding(), new FakeLogger<OrphanNotices>());
        var queue = new ClusterNotices(options, standing);
        // Never started: the index is the test's.
        var watcher = new PersistentVolumeWatcher(null!, _index, _parts.Pools, _parts.Forgotten, standing, options, _time, new FakeLogger<PersistentVolumeWatcher>());
        return (new OrphanNotices(_index, watcher, _parts.Catalog, _parts.Pools, _parts.Forgotten, new ClusterSubjects(_index, options), queue, standing, options, _time, log), queue, log);
    }

    private void Look(OrphanNotices notices)
    {
        _index.View = List();
        notices.Look();
    }

    private static List<Notice> Told(ClusterNotices queue)
    {
        var told = new List<Notice>();
        while (queue.TryTake(out var notice))
            told.Add(notice);
        return told;
    }

    // Setting the wall clock leaves the other alone, as on a real host.
    private sealed class SettableClock : FakeTimeProvider
    {
        internal TimeSpan SetBy { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + SetBy;

        public override long GetTimestamp() => base.GetUtcNow().Ticks;
    }

    // A list of now, in which there is nobody.
    private PersistentVolumeView List() => new(_time.GetTimestamp(), [_pool], []);
}
