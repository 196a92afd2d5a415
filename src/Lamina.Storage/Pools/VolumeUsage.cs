namespace Lamina.Storage.Pools;

/// <summary>What a volume uses.</summary>
/// <param name="Used">Bytes that the volume's files take, as <c>du</c> would count them in the volume.</param>
/// <param name="Inodes">Files and directories; null where the backend can't tell.</param>
/// <param name="MeasuredAt">When this was so.</param>
public sealed record VolumeUsage(ByteSize Used, long? Inodes, DateTimeOffset MeasuredAt);
