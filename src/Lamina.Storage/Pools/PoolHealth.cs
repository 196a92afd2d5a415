namespace Lamina.Storage.Pools;

/// <summary>Figures of what a pool lies on. What is not known is null, and never 0.</summary>
/// <param name="Fragmentation">How much of the free space is in small pieces, in percent.</param>
/// <param name="DeviceErrors">Reads, writes and checksums that have failed on its disks since somebody cleared the count.</param>
public sealed record PoolHealth(int? Fragmentation, long? DeviceErrors)
{
    /// <summary>What the system that keeps the disks together says of itself, such as <c>DEGRADED</c>.</summary>
    public string? State { get; init; }

    /// <summary>When it was read, with all else that is read behind the scenes.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>Nothing is known.</summary>
    public static PoolHealth Unknown { get; } = new(null, null);
}
