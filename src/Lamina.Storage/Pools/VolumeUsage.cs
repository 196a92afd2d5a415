namespace Lamina.Storage.Pools;

/// <summary>What a volume uses.</summary>
/// <param name="Used">Bytes that the volume's files take, as <c>du</c> would count them in the volume.</param>
/// <param name="Inodes">Files and directories; null where the backend can't tell.</param>
/// <param name="MeasuredAt">When this was so.</param>
public sealed record VolumeUsage(ByteSize Used, long? Inodes, DateTimeOffset MeasuredAt)
{
    /// <summary>What only snapshots still hold of it; null where the backend can't tell.</summary>
    public ByteSize? Snapshots { get; init; }

    /// <summary>What was written since the latest snapshot; null where the backend can't tell.</summary>
    public ByteSize? Written { get; init; }

    /// <summary>What it would take without compression; null where the backend can't tell.</summary>
    public ByteSize? Uncompressed { get; init; }
}
