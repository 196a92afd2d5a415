using System.Text.Json.Serialization;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Zfs;

// As a pool.json, but in one line: commands list a property a line.
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PoolIdentity))]
internal sealed partial class ZfsIdentityJson : JsonSerializerContext;
