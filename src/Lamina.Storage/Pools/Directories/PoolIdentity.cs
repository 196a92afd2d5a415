using System.Text.Json.Serialization;

namespace Lamina.Storage.Pools.Directories;

/// <summary>Who a pool is: its <c>pool.json</c>.</summary>
internal sealed record PoolIdentity(
    [property: JsonRequired] int Format,
    [property: JsonRequired] PoolId Id,
    [property: JsonRequired, JsonConverter(typeof(JsonStringEnumConverter<PoolBackend>))] PoolBackend Backend);

/// <summary>What every file of ours begins with, whatever else a later format may hold.</summary>
internal sealed record FormatVersion(int Format);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(PoolIdentity))]
[JsonSerializable(typeof(FormatVersion))]
internal sealed partial class PoolIdentityJson : JsonSerializerContext;
