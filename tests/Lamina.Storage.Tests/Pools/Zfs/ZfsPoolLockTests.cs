using System.Globalization;
using Lamina.Storage.Pools.Zfs;

namespace Lamina.Storage.Tests.Pools.Zfs;

/// <summary>That one daemon of this host serves a pool, whatever its runtime directory.</summary>
public sealed class ZfsPoolLockTests
{
    private readonly ulong _guid = (ulong)Random.Shared.NextInt64();

    [Fact]
    public void Take_OfWhatAnotherHas_IsRefusedAndNamesIt()
    {
        using var held = ZfsPoolLock.Take(_guid, "tank/lamina");

        var refused = Assert.Throws<StorageException>(() => ZfsPoolLock.Take(_guid, "tank/lamina"));

        Assert.Equal(StorageError.Unavailable, refused.Error);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId}"), refused.Message, StringComparison.Ordinal);
        using var other = ZfsPoolLock.Take(_guid ^ 1, "tank/other");
    }

    [Fact]
    public void Dispose_LeavesNothingBehind()
    {
        ZfsPoolLock.Take(_guid, "tank/lamina").Dispose();

        Assert.False(File.Exists(ZfsPoolLock.PathOf(_guid)));
        ZfsPoolLock.Take(_guid, "tank/lamina").Dispose();
    }

    [Fact]
    public void Take_ByManyAtOnceWhileTheFileComesAndGoes_IsGrantedToOneAtATime()
    {
        int holders = 0, tooMany = 0, granted = 0;

        Parallel.For(0, 2_000, new ParallelOptions { MaxDegreeOfParallelism = 8 }, _ =>
        {
            try
            {
                using var held = ZfsPoolLock.Take(_guid, "tank/lamina");
                if (Interlocked.Increment(ref holders) > 1)
                    Interlocked.Increment(ref tooMany);
                Thread.Yield();
                Interlocked.Increment(ref granted);
                Interlocked.Decrement(ref holders);
            }
            catch (StorageException e) when (e.Error == StorageError.Unavailable)
            {
            }
        });

        Assert.Equal(0, tooMany);
        Assert.True(granted > 10);
    }
}
