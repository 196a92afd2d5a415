namespace Lamina.Storage.Pools.Zfs;

/// <summary>
/// Keeps those apart who name a snapshot by its path, of whom there may be many at once, and those who change paths of snapshots: a rename of a dataset
/// that has some, or a promotion.
/// </summary>
internal sealed class StructureLock : IDisposable
{
    private const int Readers = 64;
    private readonly SemaphoreSlim _permits = new(Readers, Readers);
    private readonly SemaphoreSlim _exclusive = new(1, 1);

    /// <summary>Paths stay as they are until it is disposed of.</summary>
    internal async Task<IDisposable> KeepAsync()
    {
        await _permits.WaitAsync().ConfigureAwait(false);
        return new Held(() => _permits.Release());
    }

    /// <summary>Nobody relies on a path until it is disposed of.</summary>
    internal async Task<IDisposable> ChangeAsync()
    {
        await _exclusive.WaitAsync().ConfigureAwait(false);
        for (var permit = 0; permit < Readers; permit++)
            await _permits.WaitAsync().ConfigureAwait(false);
        return new Held(() =>
        {
            _permits.Release(Readers);
            _exclusive.Release();
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _permits.Dispose();
        _exclusive.Dispose();
    }

    // Whoever needs it no longer may let go early.
    private sealed class Held(Action release) : IDisposable
    {
        private Action? _release = release;

        public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
    }
}
