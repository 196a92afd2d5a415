using Lamina.Cluster;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Tests.Cluster;

/// <summary>How much is told, and how often.</summary>
public sealed class NoticePaceTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Pace_AfterItsBurst_LetsOneGoInAnInterval()
    {
        var pace = new Pace(3, TimeSpan.FromSeconds(2), _time);
        for (var i = 0; i < 3; i++)
            Assert.True(pace.WaitAsync(CancellationToken.None).IsCompletedSuccessfully);

        var next = pace.WaitAsync(CancellationToken.None);
        Assert.False(next.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1.9));
        Assert.False(next.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        await next;

        // An hour of quiet is worth the burst and no more.
        _time.Advance(TimeSpan.FromHours(1));
        for (var i = 0; i < 3; i++)
            Assert.True(pace.WaitAsync(CancellationToken.None).IsCompletedSuccessfully);
        Assert.False(pace.WaitAsync(CancellationToken.None).IsCompleted);
    }

    [Fact]
    public void Backoff_GrowsToAMinute_WithChance_AndHeedsTheServer()
    {
        var backoff = new Backoff(_time);
        var waits = Enumerable.Range(0, 20).Select(_ => backoff.Next()).ToList();

        Assert.InRange(waits[0], TimeSpan.FromMilliseconds(250), TimeSpan.FromMilliseconds(500));
        Assert.All(waits.Skip(10), wait => Assert.InRange(wait, TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(1)));
        Assert.True(waits.Skip(10).Distinct().Count() > 1, "there is no chance in it");
        backoff.Reset();
        Assert.InRange(backoff.Next(), TimeSpan.FromMilliseconds(250), TimeSpan.FromMilliseconds(500));
        Assert.Equal(TimeSpan.FromSeconds(20), backoff.Next(TimeSpan.FromSeconds(20)));
        Assert.Equal(TimeSpan.FromMinutes(1), backoff.Next(TimeSpan.FromHours(20)));
    }

    [Fact]
    public void Repeated_SoonAfter_WaitsUntilItHasBeenQuiet()
    {
        var told = new ToldEvents(TimeSpan.FromMinutes(1), _time);
        var key = Key("a");
        Assert.Equal(TimeSpan.Zero, told.WaitOf(key));
        told.Sent(key);

        _time.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(TimeSpan.FromSeconds(40), told.WaitOf(key));
        Assert.Equal(TimeSpan.Zero, told.WaitOf(Key("b")));
        _time.Advance(TimeSpan.FromSeconds(40));
        Assert.Equal(TimeSpan.Zero, told.WaitOf(key));
    }

    [Fact]
    public void Held_OfOneKind_AreCounted_AndComeInTheOrderOfTheirTime()
    {
        var held = new HeldNotices(_time);
        Assert.Null(held.NextIn);
        Assert.True(held.TryHold(Held("late"), TimeSpan.FromSeconds(20)));
        Assert.True(held.TryHold(Held("soon"), TimeSpan.FromSeconds(10)));
        Assert.True(held.TryAdd(Key("late"), NoticeOf("late", "newer")));
        Assert.False(held.TryAdd(Key("other"), NoticeOf("other", "")));

        Assert.False(held.TryTakeDue(out _));
        Assert.Equal(TimeSpan.FromSeconds(10), held.NextIn);
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.True(held.TryTakeDue(out var first));
        Assert.True(held.TryTakeDue(out var second));
        Assert.Equal(("soon", 1), (first.Key.Subject.Name, first.Count));
        Assert.Equal(("late", 2, "newer"), (second.Key.Subject.Name, second.Count, second.Notice.Message));
        Assert.Null(held.NextIn);

        for (var i = 0; i < HeldNotices.Capacity; i++)
            Assert.True(held.TryHold(Held($"{i}"), TimeSpan.Zero));
        Assert.False(held.TryHold(Held("one more"), TimeSpan.Zero));
    }

    [Fact]
    public void Remembered_AreABoundedNumber_AndTheOldestAreForgotten()
    {
        var told = new ToldEvents(TimeSpan.FromMinutes(1), _time);
        for (var i = 0; i <= ToldEvents.Capacity; i++)
        {
            told.Sent(Key($"{i}"));
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }

        // It is like one that was never told; the one after it still waits.
        Assert.Equal(TimeSpan.Zero, told.WaitOf(Key("0")));
        Assert.NotEqual(TimeSpan.Zero, told.WaitOf(Key("1")));
    }

    [Fact]
    public void Episode_ThatLasts_IsToldAgain_BeforeTheClusterForgetsIt()
    {
        var episodes = new Episodes(_time);
        var count = 0;
        See();
        for (var minute = 0; minute < 6 * 60; minute++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            See();
        }

        // In six hours, once in 30 to 45 minutes.
        Assert.InRange(count, 1 + 7, 1 + 12);

        void See() => episodes.See(NoticeReason.VolumeNearlyFull, "a", true, () => ++count > 0);
    }

    [Fact]
    public void Episodes_ToldTogether_AreToldAgainTogether()
    {
        var episodes = new Episodes(_time);
        var abouts = Enumerable.Range(0, 50).Select(i => $"{i}").ToList();
        episodes.Told(abouts.Select(about => (NoticeReason.VolumeOrphaned, about)));

        for (var minute = 0; minute < 60; minute++)
        {
            Assert.Single(abouts.Select(about => episodes.IsDue(NoticeReason.VolumeOrphaned, about)).Distinct());
            _time.Advance(TimeSpan.FromMinutes(1));
        }
        Assert.True(episodes.IsDue(NoticeReason.VolumeOrphaned, "0"));
    }

    [Fact]
    public void Episode_IsToldOnce_AndAgainWhenItHasEnded()
    {
        var episodes = new Episodes(_time);
        var count = 0;
        foreach (var isSo in (bool?[])[null, true, true, null, true, false, null, true])
            See(isSo, () => ++count > 0);
        Assert.Equal(2, count);

        // What could not be told is tried again, and what was let go of begins anew.
        See(false, () => true);
        See(true, () => false);
        See(true, () => ++count > 0);
        Assert.Equal(3, count);
        episodes.Keep(about => about != "a");
        See(true, () => ++count > 0);
        Assert.Equal(4, count);

        void See(bool? isSo, Func<bool> tell) => episodes.See(NoticeReason.VolumeNearlyFull, "a", isSo, tell);
    }

    [Fact]
    public void EventName_OfALongName_IsShortEnough_AndOfItsOwn()
    {
        var name = new string('a', 253);
        var keys = new[] { Key(name), Key(name) with { About = "x" }, Key(name) with { Reason = NoticeReason.PoolFull }, Key(name) with { Subject = ClusterObject.Pod("shop", name, null) } };

        var names = keys.Select(key => key.NameOf("1", "a")).Append(keys[0].NameOf("2", "a")).Append(keys[0].NameOf("1", "b")).ToList();

        Assert.All(names, text => Assert.InRange(text.Length, 1, 253));
        Assert.Equal(names.Count, names.Distinct().Count());
        Assert.Equal(names[0], Key(name).NameOf("1", "a"));
        Assert.DoesNotContain("..", Key(new string('a', 199) + "." + new string('a', 40)).NameOf("1", "a"), StringComparison.Ordinal);
        Assert.Equal("default", EventKey.Of(new Notice(NoticeReason.PoolOffline, ClusterObject.Node("n"), "", "", default)).Namespace);
    }

    private static Notice NoticeOf(string name, string message) => new(NoticeReason.VolumeNearlyFull, ClusterObject.Claim("shop", name, null), "", message, default);

    private HeldNotice Held(string name) => new(Key(name), NoticeOf(name, ""), new Backoff(_time));

    private static EventKey Key(string name) => new(ClusterObject.Claim("shop", name, null), NoticeReason.VolumeNearlyFull, "");
}
