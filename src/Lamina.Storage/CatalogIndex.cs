using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace Lamina.Storage;

/// <summary>Objects of one sort by id, by key, and in order.</summary>
internal sealed class CatalogIndex<TId, T>(Func<T, TId> idOf, Func<TId, ObjectKey> keyOf, Func<TId, PoolId> poolOf)
    where TId : struct, IComparable<TId>
    where T : class
{
    private readonly ConcurrentDictionary<TId, T> _byId = [];
    private readonly ConcurrentDictionary<ObjectKey, TId> _byKey = [];
    private readonly Lock _writing = new();
    private ImmutableSortedSet<TId> _ordered = [];

    internal int Count => _byId.Count;

    internal T? Find(TId id) => _byId.GetValueOrDefault(id);

    internal T? Find(ObjectKey key) => _byKey.TryGetValue(key, out var id) ? Find(id) : null;

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
            _byId[id] = value;
            _byKey[keyOf(id)] = id;
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
                _byId[id] = value;
                _byKey[keyOf(id)] = id;
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
                HandKeyOver(id);
            }
        }
        return removed;
    }

    // Two pools that once belonged to two hosts may hold the same key: the other one takes the key over.
    private void HandKeyOver(TId id)
    {
        if (!_byKey.TryGetValue(keyOf(id), out var named) || poolOf(named) != poolOf(id))
            return;
        _byKey.TryRemove(keyOf(id), out _);
        // Ids are ordered by key first, so a namesake can only stand beside the place where this one stood.
        var place = CatalogOrder.PlaceAfter(_ordered, id);
        foreach (var neighbour in new[] { place - 1, place })
        {
            if (neighbour >= 0 && neighbour < _ordered.Count && keyOf(_ordered[neighbour]) == keyOf(id))
                _byKey[keyOf(id)] = _ordered[neighbour];
        }
    }
}
