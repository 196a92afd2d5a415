using System.Runtime.InteropServices;
using System.Text;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>Btrfs by its own requests; no tool is started. A handle of another filesystem gives ENOTTY. See btrfs-ioctl(2).</summary>
public static unsafe partial class Btrfs
{
    private const string CompressionAttribute = "btrfs.compression";

    /// <summary>Waits until what was changed up to now, apart from data of files that nobody flushed, is on the disk.</summary>
    /// <remarks>One commit of the filesystem's transaction. Unlike syncfs(2) it does not write other files' data first.</remarks>
    public static void CommitTransaction(SafeFileHandle handle)
    {
        using var waiting = Flushes.Begin("commit");
        ulong transaction;
        BtrfsIoctl.StartSync.Call(handle, &transaction);
        BtrfsIoctl.WaitSync.Call(handle, &transaction);
    }

    /// <summary>The filesystem and its devices, with their error counters.</summary>
    public static BtrfsFileSystemInfo GetInfo(SafeFileHandle handle)
    {
        // struct btrfs_ioctl_fs_info_args: highest device number u64, device count u64, fsid, node size u32, sector size u32.
        Span<byte> info = stackalloc byte[1024];
        info.Clear();
        fixed (byte* pointer = info)
            BtrfsIoctl.FileSystemInfo.Call(handle, pointer);

        List<BtrfsDevice> devices = [];
        var highest = MemoryMarshal.Read<ulong>(info);
        for (var id = 1UL; id <= highest; id++)
        {
            // Numbers of removed devices are left out.
            if (TryGetDevice(handle, id) is { } device)
                devices.Add(device);
        }
        return new BtrfsFileSystemInfo(
            GetFileSystemId(info), MemoryMarshal.Read<uint>(info[32..]), MemoryMarshal.Read<uint>(info[36..]), devices);
    }

    /// <summary>How its space is divided.</summary>
    public static BtrfsSpace GetSpace(SafeFileHandle handle)
    {
        const ulong data = 1, system = 2, metadata = 4, globalReserve = 1UL << 49;
        var allocated = new Dictionary<ulong, (ulong Total, ulong Used)>();
        foreach (var (flags, total, used) in SpaceInfos(handle))
        {
            // With mixed block groups data and metadata are one; then both show it.
            foreach (var kind in (ReadOnlySpan<ulong>)[data, system, metadata, globalReserve])
            {
                if ((flags & kind) == 0 || (kind != globalReserve && (flags & globalReserve) != 0))
                    continue;
                var sum = allocated.GetValueOrDefault(kind);
                allocated[kind] = (sum.Total + total, sum.Used + used);
            }
        }
        ulong unallocated = 0;
        foreach (var device in GetInfo(handle).Devices)
            unallocated += device.TotalBytes - Math.Min(device.AllocatedBytes, device.TotalBytes);
        return new BtrfsSpace
        {
            DataTotal = allocated.GetValueOrDefault(data).Total,
            DataUsed = allocated.GetValueOrDefault(data).Used,
            MetadataTotal = allocated.GetValueOrDefault(metadata).Total,
            MetadataUsed = allocated.GetValueOrDefault(metadata).Used,
            SystemTotal = allocated.GetValueOrDefault(system).Total,
            SystemUsed = allocated.GetValueOrDefault(system).Used,
            GlobalReserve = allocated.GetValueOrDefault(globalReserve).Total,
            Unallocated = unallocated,
        };
    }

    /// <summary>The compression that is asked for a file or a directory's new files; null: whatever the mount says. See btrfs(5).</summary>
    public static string? GetCompression(SafeFileHandle handle) =>
        ExtendedAttributes.Get(handle, CompressionAttribute) is { Length: > 0 } value ? Encoding.UTF8.GetString(value) : null;

    /// <summary>Asks for a compression; new files in a directory inherit it. What is written already stays as it is.</summary>
    /// <param name="handle">A file or directory.</param>
    /// <param name="algorithm"><c>zstd</c>, <c>zlib</c>, <c>lzo</c>, <c>none</c>; null: whatever the mount says.</param>
    /// <exception cref="LinuxException">EINVAL for an unknown one, and for a file without copy on write.</exception>
    public static void SetCompression(SafeFileHandle handle, string? algorithm)
    {
        if (algorithm is not null)
            ExtendedAttributes.Set(handle, CompressionAttribute, Encoding.UTF8.GetBytes(algorithm));
        else if (GetCompression(handle) is not null)
            ExtendedAttributes.Remove(handle, CompressionAttribute);
    }

    internal static Guid GetFileSystemId(SafeFileHandle handle)
    {
        Span<byte> info = stackalloc byte[1024];
        info.Clear();
        fixed (byte* pointer = info)
            BtrfsIoctl.FileSystemInfo.Call(handle, pointer);
        return GetFileSystemId(info);
    }

    private static Guid GetFileSystemId(ReadOnlySpan<byte> info) => new(info.Slice(16, 16), bigEndian: true);

    private static BtrfsDevice? TryGetDevice(SafeFileHandle handle, ulong id)
    {
        // struct btrfs_ioctl_dev_info_args: number u64, UUID, used u64, size u64, room, path at 3072.
        Span<byte> info = stackalloc byte[4096];
        info.Clear();
        MemoryMarshal.Write(info, id);
        fixed (byte* pointer = info)
        {
            var errno = BtrfsIoctl.DeviceInfo.Try(handle, pointer);
            if (errno == Errno.ENODEV)
                return null;
            if (errno != Errno.None)
                throw LinuxException.Of(BtrfsIoctl.DeviceInfo.Name, errno, handle);
        }

        // struct btrfs_ioctl_get_dev_stats: number u64, count u64, flags u64, values in this order.
        var stats = stackalloc ulong[129];
        new Span<ulong>(stats, 129).Clear();
        stats[0] = id;
        stats[1] = 5;
        BtrfsIoctl.DeviceStats.Call(handle, stats);
        return new BtrfsDevice
        {
            Id = id,
            Path = PathEncoding.DecodeTerminated(info[3072..]),
            AllocatedBytes = MemoryMarshal.Read<ulong>(info[24..]),
            TotalBytes = MemoryMarshal.Read<ulong>(info[32..]),
            WriteErrors = stats[3],
            ReadErrors = stats[4],
            FlushErrors = stats[5],
            CorruptionErrors = stats[6],
            GenerationErrors = stats[7],
        };
    }

    private static List<(ulong Flags, ulong Total, ulong Used)> SpaceInfos(SafeFileHandle handle)
    {
        // struct btrfs_ioctl_space_args: room for how many u64, how many there are u64, then flags, total, used each.
        const int room = 32;
        var words = stackalloc ulong[2 + 3 * room];
        words[0] = room;
        words[1] = 0;
        BtrfsIoctl.SpaceInfo.Call(handle, words);
        List<(ulong, ulong, ulong)> infos = [];
        for (var i = 0; i < (int)words[1]; i++)
        {
            var entry = words + 2 + 3 * i;
            infos.Add((entry[0], entry[1], entry[2]));
        }
        return infos;
    }
}
