namespace Lamina.Storage.Pools;

/// <summary>Figures of what a pool lies on. What is not known is null, and never 0.</summary>
/// <param name="Fragmentation">How much of the free space is in small pieces, in percent.</param>
/// <param name="DeviceErrors">Reads, writes and checksums that have failed on its disks since somebody cleared the count.</param>
public sealed record PoolHealth(int? Fragmentation, long? DeviceErrors)
{
    /// <summary>Nothing is known.</summary>
    public static PoolHealth Unknown { get; } = new(null, null);
}
