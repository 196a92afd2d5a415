namespace Lamina.Storage.Pools.Images;

/// <summary>Where a block of an image lies on the disk: equal ones hold the same.</summary>
/// <param name="IsKnown">Whether the place says anything about the content.</param>
/// <param name="Physical">In the filesystem's space, in bytes; null: nowhere, as it is zeros.</param>
internal readonly record struct BlockPlace(bool IsKnown, ulong? Physical)
{
    /// <summary>Only the content tells.</summary>
    internal static readonly BlockPlace Unknown = new(false, null);

    /// <summary>Zeros, which take no place.</summary>
    internal static readonly BlockPlace Zeros = new(true, null);
}
