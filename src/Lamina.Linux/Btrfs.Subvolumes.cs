using System.Runtime.InteropServices;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <content>Subvolumes and snapshots.</content>
public static unsafe partial class Btrfs
{
    // struct btrfs_ioctl_vol_args_v2: descriptor s64, transaction u64, flags u64, inherit size u64, inherit pointer, room, name.
    private const int ArgumentsSize = 4096;
    private const int FlagsOffset = 16;
    private const int InheritSizeOffset = 24;
    private const int InheritOffset = 32;
    private const int NameOffset = 56;

    /// <summary>Makes an empty subvolume.</summary>
    /// <param name="directory">Where.</param>
    /// <param name="name">Its name, at most 255 bytes.</param>
    /// <param name="inherit">A quota group to be born in, so that not one byte is written outside of it.</param>
    /// <exception cref="LinuxException">EEXIST, ENOSPC, EDQUOT, ENOENT for a quota group that isn't there.</exception>
    public static void CreateSubvolume(SafeFileHandle directory, string name, QgroupId? inherit = null) =>
        CallWithName(BtrfsIoctl.SubvolumeCreate, directory, name, 0, 0, inherit);

    /// <summary>Makes a snapshot: one commit of the filesystem's transaction, whatever the size.</summary>
    /// <param name="directory">Where.</param>
    /// <param name="name">Its name, at most 255 bytes.</param>
    /// <param name="source">
    /// The subvolume, by its root directory. Nested ones are not taken along: they are empty directories in the snapshot.
    /// </param>
    /// <param name="readOnly">Whether nothing in it can be changed.</param>
    /// <param name="inherit">A quota group to be born in.</param>
    /// <exception cref="LinuxException">
    /// EEXIST, EINVAL when the source is not a subvolume's root, EXDEV when it is on another filesystem, ENOSPC, EDQUOT.
    /// </exception>
    public static void CreateSnapshot(SafeFileHandle directory, string name, SafeFileHandle source, bool readOnly, QgroupId? inherit = null)
    {
        var addedReference = false;
        try
        {
            source.DangerousAddRef(ref addedReference);
            var flags = readOnly ? BtrfsIoctl.SubvolumeReadOnly : 0;
            CallWithName(BtrfsIoctl.SnapshotCreate, directory, name, source.DangerousGetHandle(), flags, inherit);
        }
        finally
        {
            if (addedReference)
                source.DangerousRelease();
        }
    }

    /// <summary>Destroys a subvolume at once; its blocks come free in the background.</summary>
    /// <exception cref="LinuxException">
    /// ENOENT, EINVAL or ENOTDIR when it is no subvolume, ENOTEMPTY when others are nested in it, EPERM while it is the default one.
    /// </exception>
    public static void DestroySubvolume(SafeFileHandle directory, string name) =>
        CallWithName(BtrfsIoctl.SnapshotDestroy, directory, name, 0, 0, null);

    /// <summary>
    /// Destroys a subvolume by its number. It must lie under the mount that the handle belongs to.
    /// </summary>
    /// <exception cref="LinuxException">
    /// ENOENT, ENOTEMPTY when others are nested in it, ENAMETOOLONG when its path is longer than 4,095 bytes, EOPNOTSUPP before 5.7.
    /// </exception>
    public static void DestroySubvolume(SafeFileHandle fileSystem, ulong id)
    {
        var arguments = stackalloc byte[ArgumentsSize];
        new Span<byte>(arguments, ArgumentsSize).Clear();
        *(ulong*)(arguments + FlagsOffset) = BtrfsIoctl.SubvolumeById;
        *(ulong*)(arguments + NameOffset) = id;
        BtrfsIoctl.SnapshotDestroy.Call(fileSystem, arguments, detail: $"subvolume {id}");
    }

    /// <summary>Whether an open directory is a subvolume's root.</summary>
    public static bool IsSubvolume(SafeFileHandle handle) =>
        Files.Stat(handle) is { Kind: FileKind.Directory, Inode: BtrfsIoctl.FirstFreeObject }
        && Files.StatFs(handle).Kind == FileSystemKind.Btrfs;

    /// <summary>The subvolume that a file is in.</summary>
    public static SubvolumeInfo GetSubvolume(SafeFileHandle handle)
    {
        // struct btrfs_ioctl_get_subvol_info_args.
        Span<byte> info = stackalloc byte[0x1f8];
        info.Clear();
        fixed (byte* pointer = info)
            BtrfsIoctl.SubvolumeInfo.Call(handle, pointer);
        return new SubvolumeInfo
        {
            Id = MemoryMarshal.Read<ulong>(info),
            Name = PathEncoding.DecodeTerminated(info.Slice(8, 256)),
            ParentId = MemoryMarshal.Read<ulong>(info[0x108..]),
            DirectoryInode = MemoryMarshal.Read<ulong>(info[0x110..]),
            Generation = MemoryMarshal.Read<ulong>(info[0x118..]),
            // On the disk the flag is the lowest bit; in the requests that set it, the next.
            IsReadOnly = (MemoryMarshal.Read<ulong>(info[0x120..]) & 1) != 0,
            Uuid = new Guid(info.Slice(0x128, 16), bigEndian: true),
            ParentUuid = new Guid(info.Slice(0x138, 16), bigEndian: true),
        };
    }

    /// <summary>Makes a subvolume read-only, or writable again.</summary>
    /// <param name="subvolume">Its root directory.</param>
    /// <param name="readOnly">Which.</param>
    /// <exception cref="LinuxException">EINVAL when it is not a subvolume's root; EPERM to make a received one writable.</exception>
    public static void SetReadOnly(SafeFileHandle subvolume, bool readOnly)
    {
        ulong flags;
        BtrfsIoctl.SubvolumeGetFlags.Call(subvolume, &flags);
        flags = readOnly ? flags | BtrfsIoctl.SubvolumeReadOnly : flags & ~BtrfsIoctl.SubvolumeReadOnly;
        BtrfsIoctl.SubvolumeSetFlags.Call(subvolume, &flags);
    }

    private static void CallWithName(Ioctl request, SafeFileHandle directory, string name, long descriptor, ulong flags, QgroupId? inherit)
    {
        var bytes = PathEncoding.GetBytes(name);
        // Longer ones would be cut or refused with EINVAL, which says nothing.
        if (bytes.Length > BtrfsIoctl.MaxNameBytes)
            throw LinuxException.At(request.Name, Errno.ENAMETOOLONG, directory, name);

        // struct btrfs_qgroup_inherit: flags, count of groups, two counts of copies, five words of limits, the groups.
        const int inheritWords = 10;
        var inherited = stackalloc ulong[inheritWords];
        var arguments = stackalloc byte[ArgumentsSize];
        new Span<byte>(arguments, ArgumentsSize).Clear();
        *(long*)arguments = descriptor;
        if (inherit is { } group)
        {
            new Span<ulong>(inherited, inheritWords).Clear();
            inherited[1] = 1;
            inherited[inheritWords - 1] = group.Value;
            flags |= BtrfsIoctl.SubvolumeQgroupInherit;
            *(ulong*)(arguments + InheritSizeOffset) = inheritWords * sizeof(ulong);
            *(ulong**)(arguments + InheritOffset) = inherited;
        }
        *(ulong*)(arguments + FlagsOffset) = flags;
        bytes.CopyTo(new Span<byte>(arguments + NameOffset, BtrfsIoctl.MaxNameBytes));
        request.Call(directory, arguments, name);
    }
}
