using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Interop;

/// <summary>Numbers from 424 on are the same on all architectures.</summary>
internal static unsafe partial class LibC
{
    public const uint OPEN_TREE_CLONE = 1;
    public const uint MOVE_MOUNT_F_EMPTY_PATH = 0x4;
    public const uint MOVE_MOUNT_T_EMPTY_PATH = 0x40;
    public const uint FSOPEN_CLOEXEC = 1;
    public const uint FSMOUNT_CLOEXEC = 1;
    public const uint FSCONFIG_SET_FLAG = 0;
    public const uint FSCONFIG_SET_STRING = 1;
    public const uint FSCONFIG_CMD_CREATE = 6;
    public const int UMOUNT_NOFOLLOW = 8;
    public const int CLONE_FS = 0x200;
    public const int CLONE_NEWNS = 0x20000;

    private const nint NR_open_tree = 428;
    private const nint NR_move_mount = 429;
    private const nint NR_fsopen = 430;
    private const nint NR_fsconfig = 431;
    private const nint NR_fsmount = 432;
    private const nint NR_mount_setattr = 442;
    private const nint NR_statmount = 457;

    /// <summary>struct mount_attr.</summary>
    public struct MountAttr
    {
        public ulong Set;
        public ulong Clear;
        public ulong Propagation;
        public ulong UserNamespace;
    }

    /// <summary>struct mnt_id_req in its first version, which every kernel with statmount(2) takes.</summary>
    public struct MountIdRequest
    {
        public uint Size;
        public uint Spare;
        public ulong MountId;
        public ulong Parameter;
    }

    public static nint open_tree(SafeFileHandle directory, string path, uint flags) => open_tree(NR_open_tree, directory, path, flags);

    public static nint move_mount(SafeFileHandle from, string fromPath, SafeFileHandle to, string toPath, uint flags) =>
        move_mount(NR_move_mount, from, fromPath, to, toPath, flags);

    public static nint fsopen(string type, uint flags) => fsopen(NR_fsopen, type, flags);

    public static nint fsconfig(SafeFileHandle context, uint command, string? key, string? value, int auxiliary) =>
        fsconfig(NR_fsconfig, context, command, key, value, auxiliary);

    public static nint fsmount(SafeFileHandle context, uint flags, uint attributes) => fsmount(NR_fsmount, context, flags, attributes);

    public static nint mount_setattr(SafeFileHandle directory, string path, uint flags, MountAttr* attributes) =>
        mount_setattr(NR_mount_setattr, directory, path, flags, attributes, (nuint)sizeof(MountAttr));

    public static nint statmount(MountIdRequest* request, byte* buffer, nuint size) => statmount(NR_statmount, request, buffer, size, 0);

    [LibraryImport(Library, SetLastError = true,
        StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    public static partial int mount(string? source, string target, string? type, nuint flags, string? data);

    [LibraryImport(Library, SetLastError = true,
        StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    public static partial int umount2(string target, int flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int unshare(int flags);

    [LibraryImport(Library, SetLastError = true,
        StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    public static partial int chdir(string path);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true,
        StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial nint open_tree(nint number, SafeFileHandle directory, string path, nuint flags);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true,
        StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial nint move_mount(
        nint number, SafeFileHandle from, string fromPath, SafeFileHandle to, string toPath, nuint flags);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true,
        StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial nint fsopen(nint number, string type, nuint flags);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true,
        StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial nint fsconfig(nint number, SafeFileHandle context, nuint command, string? key, string? value, nint auxiliary);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint fsmount(nint number, SafeFileHandle context, nuint flags, nuint attributes);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true,
        StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial nint mount_setattr(
        nint number, SafeFileHandle directory, string path, nuint flags, MountAttr* attributes, nuint size);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint statmount(nint number, MountIdRequest* request, byte* buffer, nuint size, nuint flags);
}
