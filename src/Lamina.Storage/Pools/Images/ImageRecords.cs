using System.Text.Json.Serialization;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Images;

/// <summary>An image volume: its record. The image lies beside it.</summary>
/// <param name="Format">The format version.</param>
/// <param name="Volume">The volume.</param>
internal sealed record ImageVolumeRecord(
    [property: JsonRequired] int Format,
    [property: JsonRequired] Volume Volume) : IPoolRecord
{
    [JsonIgnore]
    public PoolId Pool => Volume.Id.Pool;

    [JsonIgnore]
    public ObjectKey Key => Volume.Id.Key;
}

/// <summary>A snapshot of an image volume: its record. The image lies beside it.</summary>
/// <param name="Format">The format version.</param>
/// <param name="Snapshot">The snapshot.</param>
internal sealed record ImageSnapshotRecord(
    [property: JsonRequired] int Format,
    [property: JsonRequired] Snapshot Snapshot) : IPoolRecord
{
    [JsonIgnore]
    public PoolId Pool => Snapshot.Id.Pool;

    [JsonIgnore]
    public ObjectKey Key => Snapshot.Id.Key;
}

// An unknown member was written by a later version: rewriting the record would lose it, so the record counts as unreadable.
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    WriteIndented = true)]
[JsonSerializable(typeof(ImageVolumeRecord))]
[JsonSerializable(typeof(ImageSnapshotRecord))]
internal sealed partial class ImageRecordJson : JsonSerializerContext;
