using System.Text.Json.Serialization;

namespace Lamina.Storage.Pools.Btrfs;

// An unknown member was written by a later version: rewriting the record would lose it, so the record counts as unreadable.
// The same in every backend, and RecordJsonTests see to it: source generation reads options only from an attribute on each context.
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
