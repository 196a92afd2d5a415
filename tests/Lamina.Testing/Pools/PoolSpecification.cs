using System.Text.Json;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Xunit;

namespace Lamina.Testing.Pools;

/// <summary>
/// The specification of <see cref="IPool"/> as tests, one fact for each promise of its doc comment. A backend's own test class says how to make
/// a pool and inherits the rest. Facts that are for some pools only say so (<see cref="PoolFactAttribute"/>), and the class says what its pools have
/// (<see cref="PoolHasAttribute"/>): it has those tests that go with that, and tests of how all else is refused.
/// </summary>
public abstract partial class PoolSpecification : IAsyncLifetime
{
    private ScratchPool? _scratch;

    /// <summary>The pool of this test.</summary>
    protected ScratchPool Scratch => _scratch ?? throw new InvalidOperationException("The pool is not made yet.");

    /// <summary>The pool as it is open now.</summary>
    protected IPool Pool => Scratch.Pool;

    private string PoolPath => Scratch.Directory ?? throw new InvalidOperationException("The pool has no directory.");

    public async ValueTask InitializeAsync() => _scratch = await CreatePoolAsync();

    public async ValueTask DisposeAsync()
    {
        if (_scratch is not null)
            await _scratch.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Pool_WhenNew_IsEmptyAndSaysWhoItIs()
    {
        Assert.Empty(Scratch.Contents.Volumes);
        Assert.Empty(Scratch.Contents.Snapshots);
        Assert.Empty(Scratch.Contents.Unreadable);
        Assert.NotEmpty(Pool.Description.Backend);
        Assert.NotEmpty(Pool.Description.Id.ToString());
    }

    [Fact]
    public async Task Pool_Reopened_IsTheSame()
    {
        var before = Pool.Description;

        await Scratch.ReopenAsync();

        Assert.Equal(before.Id, Pool.Description.Id);
        Assert.Equal(before.Features, Pool.Description.Features);
    }

    [Fact]
    public void Pool_OpenedTwice_RefusesTheSecond() => AssertRefused(StorageError.Unavailable, () => Scratch.OpenAnother());

    [Fact]
    public void Capacity_IsWithinTheDisk()
    {
        var capacity = Pool.GetCapacity();

        Assert.True(capacity.Total > ByteSize.Zero);
        Assert.True(capacity.Available <= capacity.Total);
    }

    /// <summary>A new, empty, open pool. What it lies on may be shared with other tests, one after another.</summary>
    protected abstract Task<ScratchPool> CreatePoolAsync();

    /// <summary>Waits until what earlier tests deleted is free again, where a test measures what is available.</summary>
    protected void WaitForSpace()
    {
        if (Scratch.Directory is { } directory)
            ScratchRemoval.WaitForSpace(directory);
    }

    protected static StorageException AssertRefused(StorageError error, Action call)
    {
        var refused = Assert.Throws<StorageException>(call);
        Assert.Equal(error, refused.Error);
        return refused;
    }

    protected static async Task<StorageException> AssertRefusedAsync(StorageError error, Func<Task> call)
    {
        var refused = await Assert.ThrowsAsync<StorageException>(call);
        Assert.True(error == refused.Error, $"{error} was expected, but: {refused.Error}, {refused.Message}");
        return refused;
    }

    /// <summary>Compares whole records, collections within them too, in whatever order.</summary>
    protected static void AssertSame<T>(IEnumerable<T> expected, IEnumerable<T> actual) => Assert.Equal(
        expected.Select(record => JsonSerializer.Serialize(record)).Order(StringComparer.Ordinal),
        actual.Select(record => JsonSerializer.Serialize(record)).Order(StringComparer.Ordinal));

    /// <summary>Writes bytes that no filesystem can shrink, and makes the disk have them.</summary>
    protected static void Fill(string path, int mebibytes, int seed = 1)
    {
        var random = new Random(seed);
        var block = new byte[1 << 20];
        using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, 0);
        for (var i = 0; i < mebibytes; i++)
        {
            random.NextBytes(block);
            file.Write(block);
        }
        file.Flush(flushToDisk: true);
    }
}
