using System.Globalization;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>A dataset or snapshot as it was listed.</summary>
internal sealed class ZfsObject
{
    private readonly Dictionary<string, ZfsProperty> _properties = [];

    internal ZfsObject(string name, IEnumerable<ZfsProperty> properties)
    {
        Name = name;
        foreach (var property in properties)
            _properties[property.Name] = property;
        var at = name.IndexOf('@', StringComparison.Ordinal);
        (Dataset, SnapshotName) = at < 0 ? (name, null) : (name[..at], name[(at + 1)..]);
    }

    /// <summary>Its whole name.</summary>
    internal string Name { get; }

    /// <summary>The dataset, or that of the snapshot.</summary>
    internal string Dataset { get; }

    /// <summary>What a snapshot is called in its dataset; null for a dataset.</summary>
    internal string? SnapshotName { get; }

    /// <summary>Whether it is a block device, or a snapshot of one that is asked of that.</summary>
    internal bool IsDevice => Value("type") == "volume";

    /// <summary>The snapshot that a clone was made from; null for all else.</summary>
    internal string? Origin => Value("origin");

    /// <summary>When it was made, in the pool's own count.</summary>
    internal long Transaction => Number("createtxg") ?? 0;

    /// <summary>Whether somebody holds the snapshot.</summary>
    internal bool IsHeld => Number("userrefs") is > 0;

    /// <summary>Whether it is one that we have made.</summary>
    internal bool IsOurs => Own(ZfsRecords.Volume) is not null || Own(ZfsRecords.Snapshot) is not null || Own(ZfsRecords.Group) is not null || Own(ZfsRecords.CopyPoint) is not null;

    /// <summary>What was said of this very object; null where nothing was, whatever it has from others.</summary>
    internal string? Own(string property) => _properties.GetValueOrDefault(property) is { IsOwn: true } own ? own.Value : null;

    /// <summary>A property, wherever it comes from; null where it has none.</summary>
    internal string? Value(string property) => _properties.GetValueOrDefault(property) is { Value: not "-" } known ? known.Value : null;

    /// <summary>A property that is a number.</summary>
    internal long? Number(string property) =>
        long.TryParse(Value(property), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>How many bytes; null where it is not known.</summary>
    internal ByteSize? Bytes(string property) => Number(property) is { } bytes ? new ByteSize(bytes) : null;

    /// <summary>A size, of which 0 stands for none.</summary>
    internal ByteSize? Size(string property) => Number(property) is { } bytes and > 0 ? new ByteSize(bytes) : null;
}
