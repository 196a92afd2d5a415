using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Interop;

internal static unsafe partial class LibC
{
    private const nint NR_pidfd_send_signal = 424;
    private const nint NR_pidfd_open = 434;

    public const int CLOCK_REALTIME = 0;
    public const int CLOCK_REALTIME_COARSE = 5;

    public static nint pidfd_open(int pid) => pidfd_open(NR_pidfd_open, pid, 0);

    public static nint pidfd_send_signal(SafeFileHandle process, int signal) =>
        pidfd_send_signal(NR_pidfd_send_signal, process, signal, 0, 0);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint pidfd_open(nint number, nint pid, nuint flags);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint pidfd_send_signal(nint number, SafeFileHandle process, nint signal, nint information, nuint flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int setsid();

    [LibraryImport(Library, SetLastError = true)]
    public static partial int clock_gettime(int clock, TimeSpec* time);
}
