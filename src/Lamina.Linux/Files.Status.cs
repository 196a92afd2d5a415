using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <content>Status of files and filesystems.</content>
public static unsafe partial class Files
{
    /// <summary>Status of an open file, also of a <see cref="OpenFlags.Path"/> handle. See statx(2).</summary>
    public static FileStatus Stat(SafeFileHandle handle) =>
        TryStat(handle, "", LibC.AT_EMPTY_PATH, out var status) == Errno.None
            ? status
            : throw LinuxException.Last("statx", handle);

    /// <summary>Status of a name in a directory, not followed if it is a symbolic link. See statx(2).</summary>
    public static FileStatus StatAt(SafeFileHandle directory, string name) =>
        TryStatAt(directory, name) ?? throw LinuxException.At("statx", Errno.ENOENT, directory, name);

    /// <summary>Like <see cref="StatAt"/>; null when there is no such name (ENOENT).</summary>
    public static FileStatus? TryStatAt(SafeFileHandle directory, string name) =>
        TryStat(directory, name, LibC.AT_SYMLINK_NOFOLLOW, out var status) switch
        {
            Errno.None => status,
            Errno.ENOENT => null,
            var errno => throw LinuxException.At("statx", errno, directory, name),
        };

    /// <summary>Status of what a path leads to, symbolic links followed. See statx(2).</summary>
    public static FileStatus Stat(string path) => TryStat(path) ?? throw new LinuxException($"statx {path}", Errno.ENOENT);

    /// <summary>Like <see cref="Stat(string)"/>; null when there is nothing (ENOENT).</summary>
    public static FileStatus? TryStat(string path) =>
        TryStat(LibC.AtWorkingDirectory, path, 0, out var status) switch
        {
            Errno.None => status,
            Errno.ENOENT => null,
            var errno => throw new LinuxException($"statx {path}", errno),
        };

    /// <summary>Status of the filesystem that an open file is on. See fstatfs(2).</summary>
    public static FileSystemStatus StatFs(SafeFileHandle handle)
    {
        LibC.StatFs status;
        int result;
        do
            result = LibC.fstatfs(handle, &status);
        while (LibC.Interrupted(result));
        return result == 0 ? From(status) : throw LinuxException.Last("statfs", handle);
    }

    /// <summary>Status of the filesystem that a path leads to. See statfs(2).</summary>
    public static FileSystemStatus StatFs(string path)
    {
        LibC.StatFs status;
        int result;
        do
            result = LibC.statfs(path, &status);
        while (LibC.Interrupted(result));
        return result == 0 ? From(status) : throw LinuxException.Last($"statfs {path}");
    }

    internal static Errno TryStat(SafeFileHandle directory, string name, int flags, out FileStatus status)
    {
        const uint mask = LibC.STATX_BASIC_STATS_AND_BTIME | LibC.STATX_MNT_ID | LibC.STATX_MNT_ID_UNIQUE;
        LibC.Statx raw;
        if (LibC.statx(directory, name, flags | LibC.AT_NO_AUTOMOUNT, mask, &raw) < 0)
        {
            status = default;
            return LinuxException.LastErrno;
        }
        status = From(raw);
        return Errno.None;
    }

    private static FileStatus From(in LibC.Statx raw) => new()
    {
        Inode = raw.Inode,
        Device = DeviceNumber.Make(raw.Major, raw.Minor),
        MountId = raw.MountId,
        MountIdIsUnique = (raw.Mask & LibC.STATX_MNT_ID_UNIQUE) != 0,
        Kind = Kind(raw.Mode),
        Mode = raw.Mode & AllModeBits,
        Uid = raw.Uid,
        Gid = raw.Gid,
        Links = raw.Links,
        Size = (long)raw.Size,
        Blocks = (long)raw.Blocks,
        RepresentedDevice = DeviceNumber.Make(raw.RepresentedMajor, raw.RepresentedMinor),
        Accessed = new Timestamp(raw.Accessed.Seconds, raw.Accessed.Nanoseconds),
        Modified = new Timestamp(raw.Modified.Seconds, raw.Modified.Nanoseconds),
        Changed = new Timestamp(raw.Changed.Seconds, raw.Changed.Nanoseconds),
        Created = new Timestamp(raw.Created.Seconds, raw.Created.Nanoseconds),
        IsMountRoot = (raw.Attributes & LibC.STATX_ATTR_MOUNT_ROOT) != 0,
        Attributes = raw.Attributes,
    };

    private static FileSystemStatus From(in LibC.StatFs raw)
    {
        // Blocks are counted in fragments, which are blocks on every filesystem that leaves the field empty.
        var unit = (ulong)(raw.FragmentSize > 0 ? raw.FragmentSize : raw.BlockSize);
        return new FileSystemStatus
        {
            Magic = raw.Type,
            BlockSize = raw.BlockSize,
            TotalBytes = raw.Blocks * unit,
            FreeBytes = raw.FreeBlocks * unit,
            AvailableBytes = raw.AvailableBlocks * unit,
            TotalInodes = raw.Files,
            FreeInodes = raw.FreeFiles,
            ReadOnly = (raw.Flags & LibC.ST_RDONLY) != 0,
            Id = raw.Id,
        };
    }

    private static FileKind Kind(uint mode) => (mode & 0xf000) switch
    {
        0x1000 => FileKind.Fifo,
        0x2000 => FileKind.CharacterDevice,
        0x4000 => FileKind.Directory,
        0x6000 => FileKind.BlockDevice,
        0x8000 => FileKind.Regular,
        0xa000 => FileKind.SymbolicLink,
        0xc000 => FileKind.Socket,
        _ => FileKind.Unknown,
    };
}
