namespace Lamina.Storage;

/// <summary>A part of a list.</summary>
/// <param name="Items">The items, in order.</param>
/// <param name="Next">The token that continues the list; null at its end.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next)
{
    /// <summary>Cuts a page off a list.</summary>
    /// <param name="items">The list from where the page begins.</param>
    /// <param name="size">How many at most; 0: all.</param>
    /// <param name="token">The token that continues after an item.</param>
    internal static Page<T> Take(IEnumerable<T> items, int size, Func<T, string> token)
    {
        // One more than that can't be counted, and no list is longer.
        if (size is 0 or int.MaxValue)
            return new Page<T>([.. items], null);
        var taken = items.Take(size + 1).ToList();
        if (taken.Count <= size)
            return new Page<T>(taken, null);
        taken.RemoveAt(size);
        return new Page<T>(taken, token(taken[^1]));
    }
}
