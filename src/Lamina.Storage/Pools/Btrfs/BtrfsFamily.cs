using System.Text.Json.Serialization;

namespace Lamina.Storage.Pools.Btrfs;

/// <summary>What the trash needs to know of a record: whose blocks it shares, and the quota group that is to go with it.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
internal sealed record BtrfsFamily([property: JsonRequired] FamilyId Family, ulong? Group = null);
