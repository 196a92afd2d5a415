using System.Text.Json.Serialization;

namespace Lamina.Storage.Pools.Btrfs;

// An unknown member was written by a later version: rewriting the record would lose it, so the record counts as unreadable.
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    WriteIndented = true)]
[JsonSerializable(typeof(BtrfsVolumeRecord))]
[JsonSerializable(typeof(BtrfsSnapshotRecord))]
[JsonSerializable(typeof(BtrfsFamily))]
internal sealed partial class BtrfsRecordJson : JsonSerializerContext;
