namespace Lamina.Linux;

/// <summary>A range of a file.</summary>
/// <param name="Offset">Where it begins, in bytes.</param>
/// <param name="Length">How long it is, in bytes.</param>
public readonly record struct Extent(long Offset, long Length)
{
    /// <summary>Where it ends, in bytes.</summary>
    public long End => Offset + Length;
}
