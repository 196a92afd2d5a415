using System.Collections.Frozen;
using System.Globalization;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>All that is beneath a pool's root, read by two commands.</summary>
internal sealed class ZfsInventory
{
    private static readonly string[] s_properties =
    [
        "type", "origin", "createtxg", "userrefs", "used", "available", "referenced", "usedbydataset", "usedbysnapshots", "refquota", "refreservation",
        "compression", "recordsize", "atime", "logbias",
    ];

    private readonly FrozenDictionary<string, ZfsObject> _byName;
    private readonly ILookup<string, ZfsObject> _clones;
    private readonly ILookup<string, ZfsObject> _snapshots;

    private ZfsInventory(IReadOnlyList<ZfsObject> objects)
    {
        Root = objects[0];
        Objects = objects;
        _byName = objects.ToFrozenDictionary(one => one.Name);
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
        // Of the records, in parts as they may be, few objects have much: they are asked for where they are. Then all else, which says what there is by now.
        var found = new PropertyCollector();
        await zfs.GetAllAsync(root, isOwnOnly: true, ZfsRecords.Properties, found.TakeOwn, cancellationToken).ConfigureAwait(false);
        await zfs.GetAllAsync(root, isOwnOnly: false, [.. s_properties, .. zfs.Dialect.KeyProperties, .. zfs.Dialect.DeviceProperties, .. zfs.Dialect.UsageProperties], found.Take, cancellationToken).ConfigureAwait(false);
        // A bookmark is neither.
        var objects = found.Objects.Where(one => !one.Name.Contains('#')).ToList();
        return objects.Count > 0 && objects[0].Name == root
            ? new ZfsInventory(objects)
            : throw new ZfsFailure(StorageError.Internal, "zfs get", string.Create(CultureInfo.InvariantCulture, $"of {objects.Count} objects none is {root}"));
    }

    /// <summary>The snapshots of a dataset, the first one first.</summary>
    internal IReadOnlyList<ZfsObject> SnapshotsOf(string dataset) => [.. _snapshots[dataset]];

    /// <summary>A dataset or snapshot by its name; null when there is none.</summary>
    internal ZfsObject? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>What was made from a snapshot.</summary>
    internal IEnumerable<ZfsObject> ClonesOf(string snapshot) => _clones[snapshot];

    /// <summary>Whether there are datasets beneath one.</summary>
    internal bool HasChildren(string dataset) => Datasets.Any(one => one.Name.Length > dataset.Length && one.Name.StartsWith(dataset, StringComparison.Ordinal) && one.Name[dataset.Length] == '/');

    // Names come again and again, and are kept once.
    private sealed class PropertyCollector
    {
        private readonly Dictionary<string, string> _names = [];
        private readonly Dictionary<string, List<ZfsProperty>> _own = [];
        private readonly Dictionary<string, List<ZfsProperty>> _all = [];

        // As they came, the root first.
        private readonly List<string> _order = [];

        internal IEnumerable<ZfsObject> Objects => _order.Select(name => new ZfsObject(name, _all[name].Concat(_own.GetValueOrDefault(name) ?? [])));

        internal void TakeOwn(ZfsProperty property) => Add(_own, property);

        internal void Take(ZfsProperty property)
        {
            if (Add(_all, property))
                _order.Add(Once(property.Object));
        }

        private bool Add(Dictionary<string, List<ZfsProperty>> to, ZfsProperty property)
        {
            var isNew = !to.TryGetValue(Once(property.Object), out var known);
            if (isNew)
                to[Once(property.Object)] = known = [];
            known!.Add(property with { Object = Once(property.Object), Name = Once(property.Name), Source = Once(property.Source) });
            return isNew;
        }

        private string Once(string name)
        {
            if (!_names.TryGetValue(name, out var known))
                _names[name] = known = name;
            return known;
        }
    }
}
