using Lamina.Linux;

namespace Lamina.Storage.Pools.Images;

/// <summary>The places of an image's blocks, asked for from front to back.</summary>
/// <param name="extents">What the kernel tells of it, in order.</param>
internal sealed class BlockPlaces(IReadOnlyList<PhysicalExtent> extents)
{
    private int _next;

    /// <summary>The place of what lies at a position, which is at least the last one that was asked for, and up to where the places go on from it.</summary>
    internal (BlockPlace Place, long Until) At(long position)
    {
        while (_next < extents.Count && extents[_next].End <= position)
            _next++;
        if (_next == extents.Count)
            return (BlockPlace.Zeros, long.MaxValue);
        var extent = extents[_next];
        if (extent.Offset > position)
            return (BlockPlace.Zeros, extent.Offset);
        if (!extent.IsComparable)
            return (BlockPlace.Unknown, extent.End);
        return (extent.Flags.HasFlag(PhysicalExtentFlags.Unwritten) ? BlockPlace.Zeros : new BlockPlace(true, extent.Physical + (ulong)(position - extent.Offset)), extent.End);
    }
}
