using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lamina.Storage.Pools.Cuts;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>
/// Records as user properties. They come with the dataset or snapshot by the command that makes it, and go with it: with a snapshot in one step, with a
/// dataset in two, between which it is still where it is built. A record that is too long for one
/// property goes on in others.
/// </summary>
internal static class ZfsRecords
{
    /// <summary>On the root dataset: which pool it is.</summary>
    internal const string Pool = "lamina:pool";

    /// <summary>On a volume's dataset.</summary>
    internal const string Volume = "lamina:volume";

    /// <summary>On a volume's dataset: which of its attributes were asked for. Their values are those of ZFS.</summary>
    internal const string Attributes = "lamina:attributes";

    /// <summary>On a snapshot.</summary>
    internal const string Snapshot = "lamina:snapshot";

    /// <summary>On each snapshot of a group that was cut by one command.</summary>
    internal const string Group = "lamina:group";

    /// <summary>On a snapshot that is published: when it was cut. Before that, nobody sees it.</summary>
    internal const string Cut = "lamina:cut";

    /// <summary>On a snapshot that is there only for a copy that was made from it.</summary>
    internal const string CopyPoint = "lamina:copy-point";

    /// <summary>On a clone that goes back to a snapshot in place: the dataset, beneath the root, that it takes the place of, once that is thrown away.</summary>
    internal const string Replaces = "lamina:replaces";

    // A property takes 8,191 bytes.
    private const int MaxPart = 7_900;
    private const int MaxParts = 8;

    /// <summary>All of them.</summary>
    internal static IEnumerable<string> Properties => ((string[])[Volume, Snapshot, Group]).SelectMany(Parts).Append(Attributes).Append(Cut).Append(CopyPoint).Append(Replaces);

    /// <summary>A volume's record, without what ZFS itself holds.</summary>
    internal static IEnumerable<(string Name, string Value)> Of(Volume volume) =>
        Split(Volume, new ZfsVolumeRecord(PoolDirectory.Format, volume with { Size = null, Attributes = null }), ZfsRecordJson.Default.ZfsVolumeRecord);

    /// <summary>A snapshot's record.</summary>
    internal static IEnumerable<(string Name, string Value)> Of(Snapshot snapshot) =>
        Split(Snapshot, new ZfsSnapshotRecord(PoolDirectory.Format, snapshot), ZfsRecordJson.Default.ZfsSnapshotRecord);

    /// <summary>The one record of several snapshots.</summary>
    internal static IEnumerable<(string Name, string Value)> Of(SnapshotGroupMembership group, IEnumerable<Snapshot> members) =>
        Split(Group, new ZfsGroupRecord(PoolDirectory.Format, group, [.. members.Select(member => member with { Group = null })]), ZfsRecordJson.Default.ZfsGroupRecord);

    /// <summary>When a snapshot was cut.</summary>
    internal static (string Name, string Value) Of(CutMoment moment) => (Cut, JsonSerializer.Serialize(moment, ZfsRecordJson.Default.CutMoment));

    /// <summary>Reads a volume's record.</summary>
    /// <param name="dataset">The dataset.</param>
    /// <param name="name">What it is called among the volumes.</param>
    /// <param name="pool">The pool that it must be of.</param>
    internal static (Volume? Volume, string? Flaw) ReadVolume(ZfsObject dataset, string name, PoolId pool) => Read<Volume>(() =>
    {
        var volume = ReadVolume(dataset);
        CheckIdentity(volume.Id.Pool, volume.Id.Key, pool, name);
        if (volume.IsImage != dataset.IsDevice)
            throw new FormatException($"it says that it is {(volume.IsImage ? "a block device, and ZFS that it is a tree of files" : "a tree of files, and ZFS that it is a block device")}");
        return volume with { Size = dataset.Size(dataset.IsDevice ? ZvolProperties.Size : "refquota"), Attributes = DatasetProperties.ReadAttributes(dataset) };
    });

    /// <summary>Whether a dataset has a record of its own that says that it is a volume of a pool, whatever the dataset is called.</summary>
    internal static bool IsVolumeOf(ZfsObject dataset, PoolId pool) => Read(() => ReadVolume(dataset)).Record is { } volume && volume.Id.Pool == pool;

    private static Volume ReadVolume(ZfsObject dataset)
    {
        var json = Join(dataset, Volume) ?? throw new FormatException($"it has no property {Volume} of its own");
        CheckFormat(json);
        return JsonSerializer.Deserialize(json, ZfsRecordJson.Default.ZfsVolumeRecord)!.Volume;
    }

    /// <summary>Reads a snapshot's record.</summary>
    internal static (Snapshot? Snapshot, string? Flaw) ReadSnapshot(ZfsObject snapshot, PoolId pool) => Read<Snapshot>(() =>
    {
        var read = Join(snapshot, Group) is { } group ? ReadMember(group, snapshot.SnapshotName!) : ReadSingle(Join(snapshot, Snapshot) ?? throw new FormatException("it has no record"));
        CheckIdentity(read.Id.Pool, read.Id.Key, pool, snapshot.SnapshotName!);
        if (read.Group is not null && !SnapshotGroupMembership.IsTrueOf(read))
            throw new FormatException("it says that it is of a group, but not which one of it");
        var moment = JsonSerializer.Deserialize(snapshot.Own(Cut)!, ZfsRecordJson.Default.CutMoment)!;
        return read with { CreatedAt = moment.At, Pause = moment.Pause };
    });

    private static Snapshot ReadSingle(string json)
    {
        CheckFormat(json);
        return JsonSerializer.Deserialize(json, ZfsRecordJson.Default.ZfsSnapshotRecord)!.Snapshot;
    }

    private static Snapshot ReadMember(string json, string name)
    {
        CheckFormat(json);
        var record = JsonSerializer.Deserialize(json, ZfsRecordJson.Default.ZfsGroupRecord)!;
        var member = record.Members.FirstOrDefault(member => member.Id.Key.ToString() == name) ?? throw new FormatException("it is none of the group that its record is of");
        return member with { Group = record.Group };
    }

    private static void CheckFormat(string json)
    {
        var format = JsonSerializer.Deserialize(json, PoolIdentityJson.Default.FormatVersion)?.Format;
        if (format != PoolDirectory.Format)
            throw new FormatException($"it has format version {format}, and this daemon knows only {PoolDirectory.Format}");
    }

    private static void CheckIdentity(PoolId pool, ObjectKey key, PoolId expected, string name)
    {
        if (key.ToString() != name)
            throw new FormatException($"it says that its key is {key}");
        if (pool != expected)
            throw new FormatException($"it says that it belongs to pool {pool}");
    }

    // Values refuse what they can't be in their own ways. Whatever it is, the record can't be read.
    private static (T? Record, string? Flaw) Read<T>(Func<T> read)
        where T : class
    {
        try
        {
            return (read(), null);
        }
        catch (Exception e)
        {
            return (null, e.Message);
        }
    }

    private static IEnumerable<(string Name, string Value)> Split<T>(string name, T record, JsonTypeInfo<T> type)
    {
        // Whatever is not plain ASCII is escaped, so a character is a byte.
        var json = JsonSerializer.Serialize(record, type);
        var parts = json.Chunk(MaxPart).Select(part => new string(part)).ToList();
        return parts.Count <= MaxParts ? Parts(name).Zip(parts) : throw new StorageException(StorageError.InvalidArgument,
            string.Create(CultureInfo.InvariantCulture, $"what there is to record takes {json.Length} bytes, and ZFS has room for {MaxPart * MaxParts}; fewer volumes in one group, or fewer labels"));
    }

    private static string? Join(ZfsObject from, string name)
    {
        var text = new StringBuilder();
        foreach (var part in Parts(name).Select(from.Own).TakeWhile(part => part is not null))
            text.Append(part);
        return text.Length > 0 ? text.ToString() : null;
    }

    private static IEnumerable<string> Parts(string name) =>
        Enumerable.Range(0, MaxParts).Select(part => part == 0 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}.{part}"));
}
