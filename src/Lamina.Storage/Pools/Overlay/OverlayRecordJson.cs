using System.Text.Json.Serialization;

namespace Lamina.Storage.Pools.Overlay;

// An unknown member was written by a later version: rewriting the record would lose it, so the record counts as unreadable.
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    WriteIndented = true)]
[JsonSerializable(typeof(OverlayVolumeRecord))]
[JsonSerializable(typeof(OverlaySnapshotRecord))]
internal sealed partial class OverlayRecordJson : JsonSerializerContext;
