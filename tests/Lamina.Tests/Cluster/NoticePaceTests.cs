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
    public void Repeated_WithinAMinute_IsHeldAndCountedWithTheNext()
    {
        var told = new ToldEvents(_time);
        var key = Key("a");
        Assert.Equal(1, told.Count(key));
        told.Sent(key);

        Assert.Equal([0, 0], [told.Count(key), told.Count(key)]);
        Assert.Equal(1, told.Count(Key("b")));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(3, told.Count(key));
        told.Sent(key);
        Assert.Equal(0, told.Count(key));
    }

    [Fact]
    public void Remembered_AreABoundedNumber_AndTheOldestAreForgotten()
    {
        var told = new ToldEvents(_time);
        for (var i = 0; i <= ToldEvents.Capacity; i++)
        {
            told.Sent(Key($"{i}"));
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }

        // It is counted like one that was never told; the one after it is still held.
        Assert.Equal(1, told.Count(Key("0")));
        Assert.Equal(0, told.Count(Key("1")));
    }

    [Fact]
    public void Episode_IsToldOnce_AndAgainWhenItHasEnded()
    {
        var episodes = new Episodes();
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

        var names = keys.Select(key => key.NameOf("1")).Append(keys[0].NameOf("2")).ToList();

        Assert.All(names, text => Assert.InRange(text.Length, 1, 253));
        Assert.Equal(names.Count, names.Distinct().Count());
        Assert.Equal(names[0], Key(name).NameOf("1"));
        Assert.Equal("default", EventKey.Of(new Notice(NoticeReason.PoolOffline, ClusterObject.Node("n"), "", "", default)).Namespace);
    }

    private static EventKey Key(string name) => new(ClusterObject.Claim("shop", name, null), NoticeReason.VolumeNearlyFull, "");
}
