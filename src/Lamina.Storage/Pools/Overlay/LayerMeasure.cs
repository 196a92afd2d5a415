namespace Lamina.Storage.Pools.Overlay;

/// <summary>What a layer took on the disk at a moment.</summary>
/// <param name="Bytes">Allocated bytes.</param>
/// <param name="Inodes">Entries.</param>
/// <param name="At">When the walk began.</param>
internal sealed record LayerMeasure(long Bytes, long Inodes, DateTimeOffset At);
