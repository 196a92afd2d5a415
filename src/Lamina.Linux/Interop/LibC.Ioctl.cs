using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Interop;

internal static unsafe partial class LibC
{
    [LibraryImport(Library, SetLastError = true)]
    public static partial int ioctl(SafeFileHandle handle, nuint request, nint argument);
}
