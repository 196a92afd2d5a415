using Lamina.Linux;
using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Directories;
using Lamina.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Storage.Tests.Pools.Directories;

/// <summary>Whatever goes wrong while the trash is emptied, it goes on: else no space would come back until a restart.</summary>
public sealed class TrashReclaimerTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new();
    private PoolDirectory _pool = null!;

    public ValueTask InitializeAsync()
    {
        var settings = new PoolSettings { Name = PoolName.Default, Backend = PoolBackend.Bind, Path = TestScratch.NewDirectory("pool") };
        PoolDirectory.Initialize(settings);
        _pool = PoolDirectory.Open(settings);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _pool.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Entry_ThatFailsUnforeseen_KeepsNeitherTheOthersNorTheNextTry()
    {
        var fails = true;
        Discard("bad", "good");
        await using var trash = Reclaim(remove: name => fails && name == "bad" ? throw new InvalidOperationException("unforeseen") : RemoveNow(name));

        trash.Start();

        await Eventually.TrueAsync(() => InTrash().SequenceEqual(["bad"]), "the other entry is gone");
        fails = false;
        await GoesAsync();
    }

    [Fact]
    public async Task Round_ThatFailsUnforeseenAtItsEnd_IsRunAgain()
    {
        var ends = 0;
        Discard("a");
        await using var trash = Reclaim(RemoveNow, () => ends++ == 0 ? throw new InvalidOperationException("unforeseen") : Task.CompletedTask);
        trash.Start();
        await Eventually.TrueAsync(() => ends == 1, "the first round has ended");

        Discard("b");
        trash.Wake();

        await GoesAsync();
        await Eventually.TrueAsync(() => ends == 2, "the second round has ended");
    }

    // As on a disk that has vanished. Were it to throw, the pool would stay open and locked, and its disk busy.
    [Fact]
    public async Task End_WhileARoundFails_IsAnEndAllTheSame()
    {
        var begun = new TaskCompletionSource();
        Discard("a");
        var trash = new TrashReclaimer(
            _pool,
            PoolName.Default,
            async (_, _, stopping) =>
            {
                begun.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
                throw new LinuxException("remove a", Errno.EIO);
            },
            _time,
            NullLogger.Instance);
        trash.Start();
        await begun.Task;

        await trash.DisposeAsync();

        Assert.Equal(["a"], InTrash());
    }

    [Fact]
    public async Task End_WhileTheTrashCantBeRead_IsAnEndAllTheSame()
    {
        var begun = new TaskCompletionSource();
        var ended = new TaskCompletionSource();
        Discard("a");
        var trash = Reclaim(RemoveNow, async () =>
        {
            begun.SetResult();
            await ended.Task;
            throw new LinuxException("commit", Errno.EIO);
        });
        trash.Start();
        await begun.Task;

        var end = trash.DisposeAsync();
        ended.SetResult();
        await end;

        Assert.Empty(InTrash());
    }

    private TrashReclaimer Reclaim(Func<string, TrashOutcome> remove, Func<Task>? endRound = null) => new(
        _pool,
        PoolName.Default,
        (_, name, _) => Task.FromResult(remove(name)),
        _time,
        NullLogger.Instance,
        endRound is null ? null : _ => endRound());

    private TrashOutcome RemoveNow(string name)
    {
        Directory.Delete(Path.Combine(_pool.Path, "trash", name));
        return TrashOutcome.Removed;
    }

    private void Discard(params string[] names) => Array.ForEach(names, name => Directory.CreateDirectory(Path.Combine(_pool.Path, "trash", name)));

    private IEnumerable<string?> InTrash() => Directory.EnumerateDirectories(Path.Combine(_pool.Path, "trash")).Select(Path.GetFileName);

    // The clock goes on as far as it takes: how long a failure is left alone is not what is tested here.
    private Task GoesAsync() => Eventually.TrueAsync(
        () =>
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            return !InTrash().Any();
        },
        "the trash is empty");
}
