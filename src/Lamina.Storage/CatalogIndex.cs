using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace Lamina.Storage;

/// <summary>Objects of one sort by id, by key, and in order.</summary>
internal sealed class CatalogIndex<TId, T>(string noun, Func<T, TId> idOf, Func<TId, ObjectKey> keyOf)
    where TId : struct, IComparable<TId>
    where T : class
{
    private readonly ConcurrentDictionary<TId, T> _byId = [];
    private readonly ConcurrentDictionary<ObjectKey, TId> _byKey = [];

    // The keys that several have, which pools that once belonged to two hosts may hold. None of those is the one that is meant.
    private readonly ConcurrentDictionary<ObjectKey, ImmutableArray<TId>> _shared = [];
    private readonly Lock _writing = new();
    private ImmutableSortedSet<TId> _ordered = [];

    internal int Count => _byId.Count;

    /// <summary>The keys that several have, each with their ids.</summary>
    internal IEnumerable<KeyValuePair<ObjectKey, ImmutableArray<TId>>> Shared => _shared;

    internal T? Find(TId id) => _byId.GetValueOrDefault(id);

    /// <summary>The object with that key, or null.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: several have it, and whichever is taken may be the wrong one.</exception>
    internal T? Find(ObjectKey key) => !_shared.TryGetValue(key, out var ids)
        ? _byKey.TryGetValue(key, out var id) ? Find(id) : null
        : throw new StorageException(StorageError.FailedPrecondition,
            $"the name '{key}' is that of several {noun}s in different pools, {string.Join(" and ", ids)}: say which one by its id. "
            + "The name serves again when all but one are deleted by their ids, or their pools are not served any more");

    /// <summary>Whether any has that key.</summary>
    internal bool Has(ObjectKey key) => _byKey.ContainsKey(key);

    /// <summary>The objects in order, from just after one id. Takes the order as it is now; objects that go meanwhile are left out.</summary>
    internal IEnumerable<T> From(TId? after)
    {
        foreach (var id in CatalogOrder.From(Volatile.Read(ref _ordered), after))
        {
            if (_byId.TryGetValue(id, out var value))
                yield return value;
        }
    }

    internal T? Put(T value)
    {
        var id = idOf(value);
        lock (_writing)
        {
            var before = Find(id);
            Name(id);
            _byId[id] = value;
            Volatile.Write(ref _ordered, _ordered.Add(id));
            return before;
        }
    }

    internal void AddRange(IReadOnlyCollection<T> values)
    {
        lock (_writing)
        {
            foreach (var value in values)
            {
                var id = idOf(value);
                Name(id);
                _byId[id] = value;
            }
            Volatile.Write(ref _ordered, _ordered.Union(values.Select(idOf)));
        }
    }

    internal T? Remove(TId id) => RemoveRange([id]) is [var removed] ? removed : null;

    /// <summary>Removes what there is of these; a list that begins meanwhile has all of them or none.</summary>
    internal IReadOnlyList<T> RemoveRange(IReadOnlyCollection<TId> ids)
    {
        List<T> removed = [];
        lock (_writing)
        {
            Volatile.Write(ref _ordered, _ordered.Except(ids));
            foreach (var id in ids)
            {
                if (!_byId.TryRemove(id, out var value))
                    continue;
                removed.Add(value);
                Unname(id);
            }
        }
        return removed;
    }

    // Who looks meanwhile finds the one that had the key before, or that several have it, and never another one.
    private void Name(TId id)
    {
        var key = keyOf(id);
        var first = _byKey.GetOrAdd(key, id);
        if (first.CompareTo(id) == 0)
            return;
        var all = _shared.GetValueOrDefault(key, [first]);
        if (!all.Contains(id))
            _shared[key] = all.Add(id).Sort();
    }

    private void Unname(TId id)
    {
        var key = keyOf(id);
        if (!_shared.TryGetValue(key, out var all))
        {
            _byKey.TryRemove(key, out _);
            return;
        }
        var rest = all.Remove(id);
        _byKey[key] = rest[0];
        if (rest.Length > 1)
            _shared[key] = rest;
        else
            _shared.TryRemove(key, out _);
    }
}
