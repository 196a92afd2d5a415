using Lamina.Storage;
using Wire = Csi.V1;

namespace Lamina.Csi.Requests;

/// <summary>Reads the sizes that a caller would accept.</summary>
internal static class CapacityRanges
{
    /// <summary>The range; any size when none is given.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: negative, empty, or a limit below what is required.</exception>
    internal static SizeRange Parse(Wire.CapacityRange? range)
    {
        if (range is null)
            return SizeRange.Any;
        if (range.RequiredBytes < 0 || range.LimitBytes < 0)
            throw new StorageException(StorageError.InvalidArgument, $"a size can't be negative: required_bytes {range.RequiredBytes}, limit_bytes {range.LimitBytes}");
        if (range is { RequiredBytes: 0, LimitBytes: 0 })
            throw new StorageException(StorageError.InvalidArgument, "capacity_range says nothing: give required_bytes, limit_bytes or both, or leave it out");
        var sizes = new SizeRange(SizeOf(range.RequiredBytes), SizeOf(range.LimitBytes));
        sizes.Validate();
        return sizes;
    }

    private static ByteSize? SizeOf(long bytes) => bytes == 0 ? null : new ByteSize(bytes);
}
