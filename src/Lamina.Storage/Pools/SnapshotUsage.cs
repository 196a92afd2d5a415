namespace Lamina.Storage.Pools;

/// <summary>What a snapshot holds.</summary>
/// <param name="Exclusive">Bytes that would be free if this snapshot alone were deleted; null where the backend can't tell.</param>
/// <param name="MeasuredAt">When this was so.</param>
public sealed record SnapshotUsage(ByteSize? Exclusive, DateTimeOffset MeasuredAt);
