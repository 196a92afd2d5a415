using System.Collections.Immutable;

namespace Lamina.Storage;

/// <summary>Walks an ordered set from the middle, in logarithmic time for the first step.</summary>
internal static class CatalogOrder
{
    /// <summary>The ids after one that may itself be gone, or all.</summary>
    internal static IEnumerable<TId> From<TId>(ImmutableSortedSet<TId> ordered, TId? after)
        where TId : struct, IComparable<TId>
    {
        for (var i = after is { } id ? PlaceAfter(ordered, id) : 0; i < ordered.Count; i++)
            yield return ordered[i];
    }

    /// <summary>The index of the first id that comes after this one.</summary>
    internal static int PlaceAfter<TId>(ImmutableSortedSet<TId> ordered, TId id)
        where TId : struct, IComparable<TId>
    {
        // IndexOf answers the complement of the place where a missing element would stand.
        var index = ordered.IndexOf(id);
        return index >= 0 ? index + 1 : ~index;
    }
}
