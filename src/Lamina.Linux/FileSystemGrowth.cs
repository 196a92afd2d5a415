using System.Globalization;
using System.Text;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>Makes mounted filesystems as large as their devices allow. One that is large enough stays as it is; none is ever made smaller.</summary>
public static unsafe class FileSystemGrowth
{
    // struct xfs_fsop_geom_v1: block size u32 first, greatest share of inodes in percent at 28, data blocks u64 at 32.
    private const int XfsGeometrySize = 112;
    private const int XfsInodeShareOffset = 28;
    private const int XfsDataBlocksOffset = 32;

    private static readonly Ioctl s_xfsGeometry = new("XFS_IOC_FSGEOMETRY_V1", 0x8070_5864);
    private static readonly Ioctl s_xfsGrow = new("XFS_IOC_FSGROWFSDATA", 0x4010_586e);
    private static readonly Ioctl s_ext4Resize = new("EXT4_IOC_RESIZE_FS", 0x4008_6610);
    private static readonly Ioctl s_btrfsResize = new("BTRFS_IOC_RESIZE", 0x5000_9403);

    /// <summary>Grows an XFS.</summary>
    /// <param name="fileSystem">A file or directory in it.</param>
    /// <param name="bytes">The new size, at most the device's.</param>
    public static void GrowXfs(SafeFileHandle fileSystem, long bytes)
    {
        var geometry = stackalloc byte[XfsGeometrySize];
        s_xfsGeometry.Call(fileSystem, geometry);
        var blocks = (ulong)bytes / *(uint*)geometry;
        if (blocks <= *(ulong*)(geometry + XfsDataBlocksOffset))
            return;
        // struct xfs_growfs_data: new blocks u64, share of inodes u32.
        var growth = stackalloc ulong[2];
        growth[0] = blocks;
        growth[1] = *(uint*)(geometry + XfsInodeShareOffset);
        s_xfsGrow.Call(fileSystem, growth);
    }

    /// <summary>Grows an ext4.</summary>
    /// <param name="fileSystem">A file or directory in it.</param>
    /// <param name="bytes">The new size, at most the device's and larger than the present one.</param>
    /// <exception cref="LinuxException">EPERM without CAP_SYS_RESOURCE.</exception>
    public static void GrowExt4(SafeFileHandle fileSystem, long bytes)
    {
        var blocks = (ulong)bytes / (ulong)Files.StatFs(fileSystem).BlockSize;
        s_ext4Resize.Call(fileSystem, &blocks);
    }

    /// <summary>Grows the first device of a Btrfs.</summary>
    /// <param name="fileSystem">A file or directory in it.</param>
    /// <param name="bytes">The new size, at most the device's.</param>
    public static void GrowBtrfs(SafeFileHandle fileSystem, long bytes)
    {
        if (Btrfs.GetInfo(fileSystem).Devices is not [var device, ..] || device.TotalBytes >= (ulong)bytes)
            return;
        // struct btrfs_ioctl_vol_args: descriptor s64, name.
        Span<byte> arguments = stackalloc byte[4096];
        arguments.Clear();
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{device.Id}:{bytes}"), arguments[8..]);
        fixed (byte* pointer = arguments)
            s_btrfsResize.Call(fileSystem, pointer);
    }
}
