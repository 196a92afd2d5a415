namespace Lamina.Linux;

/// <summary>Where a range of a file lies.</summary>
/// <param name="Offset">Where in the file it begins, in bytes.</param>
/// <param name="Physical">
/// Where in the filesystem's space it begins, in bytes; without meaning where <paramref name="Flags"/> say so.
/// </param>
/// <param name="Length">How long it is, in bytes.</param>
/// <param name="Flags">What is special.</param>
public readonly record struct PhysicalExtent(long Offset, ulong Physical, long Length, PhysicalExtentFlags Flags)
{
    /// <summary>Where in the file it ends, in bytes. The last one of the longest possible file ends behind what a file can have.</summary>
    public long End => Length > long.MaxValue - Offset ? long.MaxValue : Offset + Length;

    /// <summary>Whether equal places mean equal content: not so if it is somewhere unknown, packed, or within metadata.</summary>
    public bool IsComparable => (Flags & Elsewhere) == 0;

    private const PhysicalExtentFlags Elsewhere =
        PhysicalExtentFlags.UnknownLocation | PhysicalExtentFlags.Delayed | PhysicalExtentFlags.Encoded | PhysicalExtentFlags.Inline;
}
