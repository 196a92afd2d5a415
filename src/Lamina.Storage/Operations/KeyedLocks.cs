using System.Runtime.InteropServices;

namespace Lamina.Storage.Operations;

/// <summary>One lock per key, taken in sorted order so that no two callers can wait for each other in a circle. Fair: first come, first served.</summary>
public sealed class KeyedLocks
{
    private readonly Dictionary<LockKey, Entry> _entries = [];

    /// <summary>Takes all the locks, or none when the token ends the wait.</summary>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public async Task<IDisposable> AcquireAsync(IEnumerable<LockKey> keys, CancellationToken cancellationToken)
    {
        var held = new Held(this);
        try
        {
            foreach (var key in keys.Distinct().Order())
                held.Add(key, await EnterAsync(key, cancellationToken).ConfigureAwait(false));
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private async Task<Entry> EnterAsync(LockKey key, CancellationToken cancellationToken)
    {
        Entry entry;
        lock (_entries)
        {
            entry = CollectionsMarshal.GetValueRefOrAddDefault(_entries, key, out _) ??= new Entry();
            entry.Users++;
        }
        try
        {
            await entry.Semaphore.WaitAsync(cancellationToken).ConfigureAwait(false);
            return entry;
        }
        catch
        {
            Leave(key, entry);
            throw;
        }
    }

    // The last one to leave takes the entry away: the table is as large as the number of keys in use, not of keys ever seen.
    private void Leave(LockKey key, Entry entry)
    {
        lock (_entries)
        {
            if (--entry.Users > 0)
                return;
            _entries.Remove(key);
        }
        entry.Semaphore.Dispose();
    }

    private sealed class Entry
    {
        public SemaphoreSlim Semaphore { get; } = new(1, 1);

        public int Users { get; set; }
    }

    private sealed class Held(KeyedLocks owner) : IDisposable
    {
        private readonly List<(LockKey Key, Entry Entry)> _held = [];

        public void Add(LockKey key, Entry entry) => _held.Add((key, entry));

        public void Dispose()
        {
            for (var i = _held.Count - 1; i >= 0; i--)
            {
                _held[i].Entry.Semaphore.Release();
                owner.Leave(_held[i].Key, _held[i].Entry);
            }
            _held.Clear();
        }
    }
}
