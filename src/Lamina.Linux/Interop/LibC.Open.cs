using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Interop;

internal static unsafe partial class LibC
{
    public const int O_CLOEXEC = 0x80000;

    private const nint NR_openat2 = 437;

    /// <summary>struct open_how.</summary>
    public struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    [LibraryImport(Library, SetLastError = true,
        StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    public static partial int openat(SafeFileHandle directory, string path, int flags, int mode);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int open_by_handle_at(SafeFileHandle mount, byte* handle, int flags);

    public static nint openat2(SafeFileHandle directory, string path, OpenHow* how) =>
        openat2(NR_openat2, directory, path, how, (nuint)sizeof(OpenHow));

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true,
        StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(PathMarshaller))]
    private static partial nint openat2(nint number, SafeFileHandle directory, string path, OpenHow* how, nuint size);

    /// <summary>The flags as this architecture numbers them, with O_CLOEXEC.</summary>
    public static int Native(OpenFlags flags)
    {
        var native = (int)flags | O_CLOEXEC;
        if (!s_isArm)
            return native;

        native &= ~(int)(OpenFlags.Direct | OpenFlags.Directory | OpenFlags.NoFollow);
        if ((flags & OpenFlags.Direct) != 0)
            native |= 0x10000;
        if ((flags & OpenFlags.Directory) != 0)
            native |= 0x4000;
        if ((flags & OpenFlags.NoFollow) != 0)
            native |= 0x8000;
        return native;
    }
}
