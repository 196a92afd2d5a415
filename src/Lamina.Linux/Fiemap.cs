using System.Runtime.InteropServices;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>Where the content of files lies. See the kernel's Documentation/filesystems/fiemap.rst.</summary>
public static unsafe class Fiemap
{
    // struct fiemap: start u64, length u64, flags u32, how many came u32, room for how many u32, reserved u32, then the extents.
    private const int HeaderSize = 32;

    // struct fiemap_extent: offset u64, place u64, length u64, reserved, flags u32 at 40, reserved.
    private const int ExtentSize = 56;
    private const int ExtentFlagsOffset = 40;
    private const int BatchSize = 1024;

    private const uint FIEMAP_FLAG_SYNC = 1;

    private static readonly Ioctl s_map = new("FS_IOC_FIEMAP", 0xc020_660b);

    /// <summary>All extents of a file, in order; holes have none. The file should not change meanwhile.</summary>
    /// <param name="file">Any open file, also one for reading only.</param>
    /// <param name="sync">Write its data to the disk first, so that none is nowhere.</param>
    /// <exception cref="LinuxException">EOPNOTSUPP where the filesystem can't tell (overlay on some, tmpfs).</exception>
    public static IReadOnlyList<PhysicalExtent> Map(SafeFileHandle file, bool sync)
    {
        List<PhysicalExtent> found = [];
        for (var start = 0L; start < long.MaxValue;)
        {
            // Once is enough, as the file does not change.
            var batch = MapSome(file, start, sync && start == 0);
            found.AddRange(batch.Extents);
            start = batch.End;
        }
        return found;
    }

    /// <summary>As many extents of a file as one call of the kernel tells of, from a place in it on.</summary>
    /// <param name="file">Any open file, also one for reading only.</param>
    /// <param name="start">In bytes. The first extent may have begun before it.</param>
    /// <param name="sync">Write its data to the disk first, so that none is nowhere.</param>
    /// <returns>The extents, and how far they tell of the file: to its end, whatever its length, when the last one is among them.</returns>
    /// <exception cref="LinuxException">EOPNOTSUPP where the filesystem can't tell (overlay on some, tmpfs).</exception>
    public static (IReadOnlyList<PhysicalExtent> Extents, long End) MapSome(SafeFileHandle file, long start, bool sync)
    {
        var buffer = new byte[HeaderSize + BatchSize * ExtentSize];
        MemoryMarshal.Write(buffer, (ulong)start);
        MemoryMarshal.Write(buffer.AsSpan(8), ulong.MaxValue - (ulong)start);
        MemoryMarshal.Write(buffer.AsSpan(16), sync ? FIEMAP_FLAG_SYNC : 0);
        MemoryMarshal.Write(buffer.AsSpan(24), BatchSize);
        fixed (byte* pointer = buffer)
            s_map.Call(file, pointer);

        var extents = new PhysicalExtent[MemoryMarshal.Read<int>(buffer.AsSpan(20))];
        for (var i = 0; i < extents.Length; i++)
            extents[i] = Decode(buffer.AsSpan(HeaderSize + i * ExtentSize, ExtentSize));
        return extents is [.., var last] && !last.Flags.HasFlag(PhysicalExtentFlags.Last) ? (extents, last.End) : (extents, long.MaxValue);
    }

    private static PhysicalExtent Decode(ReadOnlySpan<byte> extent) => new(
        MemoryMarshal.Read<long>(extent),
        MemoryMarshal.Read<ulong>(extent[8..]),
        MemoryMarshal.Read<long>(extent[16..]),
        (PhysicalExtentFlags)MemoryMarshal.Read<uint>(extent[ExtentFlagsOffset..]));
}
