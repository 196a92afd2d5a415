using System.Buffers;
using System.Runtime.InteropServices;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>
/// What is mounted at one place, without reading the whole table: by statmount(2) (6.8+), which costs the same with two mounts or two
/// thousand; on older kernels by the table after all.
/// </summary>
public static unsafe class MountQuery
{
    private const ulong STATMOUNT_SB_BASIC = 1;
    private const ulong STATMOUNT_MNT_BASIC = 2;
    private const ulong STATMOUNT_MNT_ROOT = 8;
    private const ulong STATMOUNT_MNT_POINT = 0x10;
    private const ulong STATMOUNT_FS_TYPE = 0x20;

    // struct statmount, whose strings are offsets from its end.
    private const int DeviceMajorOffset = 16;
    private const int DeviceMinorOffset = 20;
    private const int TypeOffset = 36;
    private const int AttributesOffset = 64;
    private const int RootOffset = 104;
    private const int PointOffset = 108;
    private const int StringsOffset = 512;

    /// <summary>
    /// What is mounted on top at a path; null when the path is not a mount's root, or there is nothing. A symbolic link at its end is
    /// not followed.
    /// </summary>
    public static MountDetails? At(string path)
    {
        SafeFileHandle handle;
        try
        {
            handle = Files.Open(path, OpenFlags.Path | OpenFlags.NoFollow);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR)
        {
            return null;
        }
        using (handle)
            return At(handle);
    }

    /// <summary>
    /// The mount whose root an open file is; null when it is not a mount's root, or its mount is gone or in another namespace.
    /// </summary>
    public static MountDetails? At(SafeFileHandle handle)
    {
        var status = Files.Stat(handle);
        if (!status.IsMountRoot)
            return null;
        return status.MountIdIsUnique ? Query(status.MountId) : Find(MountTable.Read(), status.MountId);
    }

    internal static MountDetails? Find(MountTable table, ulong id)
    {
        if (table.Entries.FirstOrDefault(entry => (ulong)entry.Id == id) is not { } found)
            return null;
        var attributes = MountAttributes.None;
        foreach (var option in found.Options.Split(','))
        {
            attributes |= option switch
            {
                "ro" => MountAttributes.ReadOnly,
                "nosuid" => MountAttributes.NoSetUid,
                "nodev" => MountAttributes.NoDevices,
                "noexec" => MountAttributes.NoExecute,
                "noatime" => MountAttributes.NoAccessTime,
                "nodiratime" => MountAttributes.NoDirectoryAccessTime,
                "nosymfollow" => MountAttributes.NoSymlinkFollow,
                _ => MountAttributes.None,
            };
        }
        return new MountDetails
        {
            Id = id,
            MountPoint = found.MountPoint,
            Root = found.Root,
            FileSystemType = found.FileSystemType,
            Attributes = attributes,
            Device = found.Device,
        };
    }

    private static MountDetails? Query(ulong id)
    {
        var request = new LibC.MountIdRequest
        {
            Size = (uint)sizeof(LibC.MountIdRequest),
            MountId = id,
            Parameter = STATMOUNT_SB_BASIC | STATMOUNT_MNT_BASIC | STATMOUNT_MNT_ROOT | STATMOUNT_MNT_POINT | STATMOUNT_FS_TYPE,
        };
        for (var size = 4096; ; size *= 2)
        {
            var buffer = ArrayPool<byte>.Shared.Rent(size);
            try
            {
                nint result;
                fixed (byte* pointer = buffer)
                    result = LibC.statmount(&request, pointer, (nuint)buffer.Length);
                if (result == 0)
                    return Decode(id, buffer);
                switch (LinuxException.LastErrno)
                {
                    case Errno.EOVERFLOW:
                        continue;
                    // Unmounted since, detached, or in another namespace.
                    case Errno.ENOENT:
                        return null;
                    default:
                        throw LinuxException.Last("statmount");
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    private static MountDetails Decode(ulong id, ReadOnlySpan<byte> buffer)
    {
        return new MountDetails
        {
            Id = id,
            MountPoint = Text(buffer, PointOffset),
            Root = Text(buffer, RootOffset),
            FileSystemType = Text(buffer, TypeOffset),
            Attributes = (MountAttributes)MemoryMarshal.Read<ulong>(buffer[AttributesOffset..]),
            Device = DeviceNumber.Make(Number(buffer, DeviceMajorOffset), Number(buffer, DeviceMinorOffset)),
        };

        static uint Number(ReadOnlySpan<byte> buffer, int offset) => MemoryMarshal.Read<uint>(buffer[offset..]);

        static string Text(ReadOnlySpan<byte> buffer, int offset) =>
            PathEncoding.DecodeTerminated(buffer[(StringsOffset + (int)Number(buffer, offset))..]);
    }
}
