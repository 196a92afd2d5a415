using System.Globalization;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>All that is beneath a pool's root, read by one command.</summary>
internal sealed class ZfsInventory
{
    private static readonly string[] s_properties =
    [
        "type", "origin", "createtxg", "userrefs", "used", "available", "referenced", "usedbysnapshots", "refquota", "refreservation",
        "compression", "recordsize", "atime", "logbias", .. ZfsRecords.Properties,
    ];

    private readonly ILookup<string, ZfsObject> _clones;
    private readonly ILookup<string, ZfsObject> _snapshots;

    private ZfsInventory(IReadOnlyList<ZfsObject> objects)
    {
        Root = objects[0];
        Objects = objects;
        _clones = objects.Where(one => one.Origin is not null).ToLookup(one => one.Origin!);
        _snapshots = objects.Where(one => one.SnapshotName is not null).OrderBy(one => one.Transaction).ToLookup(one => one.Dataset);
    }

    /// <summary>The root dataset.</summary>
    internal ZfsObject Root { get; }

    /// <summary>Everything, datasets and snapshots.</summary>
    internal IReadOnlyList<ZfsObject> Objects { get; }

    /// <summary>The datasets.</summary>
    internal IEnumerable<ZfsObject> Datasets => Objects.Where(one => one.SnapshotName is null);

    /// <summary>The snapshots.</summary>
    internal IEnumerable<ZfsObject> Snapshots => Objects.Where(one => one.SnapshotName is not null);

    /// <summary>Reads it.</summary>
    /// <exception cref="ZfsFailure">As the command says.</exception>
    internal static async Task<ZfsInventory> ReadAsync(ZfsCommand zfs, string root, CancellationToken cancellationToken)
    {
        var properties = await zfs.GetAsync(root, deep: true, [.. s_properties, .. zfs.Dialect.DeviceProperties, .. zfs.Dialect.UsageProperties], cancellationToken).ConfigureAwait(false);
        // A bookmark is neither.
        var objects = properties.GroupBy(property => property.Object).Where(one => !one.Key.Contains('#')).Select(one => new ZfsObject(one.Key, one)).ToList();
        return objects.Count > 0 && objects[0].Name == root
            ? new ZfsInventory(objects)
            : throw new ZfsFailure(StorageError.Internal, "zfs get", string.Create(CultureInfo.InvariantCulture, $"of {objects.Count} objects none is {root}"));
    }

    /// <summary>The snapshots of a dataset, the first one first.</summary>
    internal IReadOnlyList<ZfsObject> SnapshotsOf(string dataset) => [.. _snapshots[dataset]];

    /// <summary>What was made from a snapshot.</summary>
    internal IEnumerable<ZfsObject> ClonesOf(string snapshot) => _clones[snapshot];

    /// <summary>Whether there are datasets beneath one.</summary>
    internal bool HasChildren(string dataset) => Datasets.Any(one => one.Name.Length > dataset.Length && one.Name.StartsWith(dataset, StringComparison.Ordinal) && one.Name[dataset.Length] == '/');
}
