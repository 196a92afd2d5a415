using Lamina.Admin;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Lamina.Testing.Pools;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.BadDays;

/// <summary>A pool that is served and can't even tell its room any more, as on a disk that fails: whoever looks at all pools still sees the others.</summary>
public sealed class SickPoolTests
{
    private static readonly LoadedPool Sick = new(
        new SilentPool(new InMemoryStore()), new PoolSettings { Name = IStorageValue<PoolName>.Parse("sick"), Backend = PoolBackend.Overlay2, Path = "/sick" }, []);

    [Fact]
    public void Capacity_ThatCantBeTold_IsAnAnswerWithTheReason()
    {
        Assert.False(Sick.TryGetCapacity(out _, out var problem));
        Assert.Equal("measure the room in pool 'sick': Input/output error", problem);
    }

    [Fact]
    public async Task Pool_ThatCantTellItsRoom_IsShownWithoutFigures()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var messages = daemon.Services.GetRequiredService<AdminMessages>();

        var message = messages.Of(new PoolStatus(Sick.Settings, Sick, null));

        Assert.False(message.HasSizeBytes || message.HasAvailableBytes);
        Assert.Equal((true, "measure the room in pool 'sick': Input/output error"), (message.Loaded, message.Problem));
    }

    [Fact]
    public void Checks_OfAPoolThatCantTellItsRoom_SayTheProblem() =>
        Assert.Contains(DaemonChecks.Of(new PoolStatus(Sick.Settings, Sick, null)), check => check is { Name: "pool sick", Status: V1.CheckStatus.Problem } && check.Detail.Contains("Input/output error", StringComparison.Ordinal));

    private sealed class SilentPool(InMemoryStore store) : InMemoryPool(store)
    {
        public override PoolCapacity GetCapacity() => throw new StorageException(StorageError.Unavailable, "measure the room in pool 'sick': Input/output error");
    }
}
