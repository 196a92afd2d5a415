namespace Lamina.Storage.Pools.Zfs;

/// <summary>A property of a dataset or snapshot, as <c>zfs get -Hp</c> tells it.</summary>
/// <param name="Object">The dataset or snapshot.</param>
/// <param name="Name">The property.</param>
/// <param name="Value">Its value; <c>-</c> where it has none.</param>
/// <param name="Source">Where the value comes from: <c>local</c>, <c>received</c>, <c>default</c>, <c>inherited from …</c>, or <c>-</c>.</param>
internal sealed record ZfsProperty(string Object, string Name, string Value, string Source)
{
    /// <summary>Whether it was given to this very object. All else a child or a snapshot has from another, and is nothing that it says itself.</summary>
    internal bool IsOwn => Source is "local" or "received";
}
