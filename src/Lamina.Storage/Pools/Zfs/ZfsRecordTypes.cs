using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Lamina.Storage.Pools.Cuts;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>A volume of a ZFS pool, without what ZFS itself holds: its size and its attributes.</summary>
internal sealed record ZfsVolumeRecord([property: JsonRequired] int Format, [property: JsonRequired] Volume Volume);

/// <summary>A snapshot of a ZFS pool. When it was cut comes with its publication.</summary>
internal sealed record ZfsSnapshotRecord([property: JsonRequired] int Format, [property: JsonRequired] Snapshot Snapshot);

/// <summary>All snapshots of a group that were cut by one command, which gives all of them the same properties. Without the group, which they share.</summary>
internal sealed record ZfsGroupRecord(
    [property: JsonRequired] int Format, [property: JsonRequired] SnapshotGroupMembership Group, [property: JsonRequired] ImmutableArray<Snapshot> Members);

// An unknown member was written by a later version: rewriting the record would lose it, so the record counts as unreadable.
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ZfsVolumeRecord))]
[JsonSerializable(typeof(ZfsSnapshotRecord))]
[JsonSerializable(typeof(ZfsGroupRecord))]
[JsonSerializable(typeof(CutMoment))]
internal sealed partial class ZfsRecordJson : JsonSerializerContext;
