using System.Globalization;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>
/// A process that can't be mistaken for another that later gets its number. Open it first, then read <see cref="ProcessTable"/>, then act:
/// if the signal still goes, what was read was of this process. See pidfd_open(2).
/// </summary>
public sealed class ProcessHandle : IDisposable
{
    private readonly SafeFileHandle _handle;

    private ProcessHandle(int pid, SafeFileHandle handle)
    {
        Pid = pid;
        _handle = handle;
    }

    /// <summary>Its number in our PID namespace.</summary>
    public int Pid { get; }

    /// <summary>Opens a process.</summary>
    /// <exception cref="LinuxException">ESRCH when there is none; a thread that leads no process is none.</exception>
    public static ProcessHandle Open(int pid) =>
        TryOpen(pid) ?? throw new LinuxException(string.Create(CultureInfo.InvariantCulture, $"pidfd_open {pid}"), Errno.ESRCH);

    /// <summary>Opens a process; null when there is none.</summary>
    public static ProcessHandle? TryOpen(int pid)
    {
        var descriptor = LibC.pidfd_open(pid);
        if (descriptor >= 0)
            return new ProcessHandle(pid, Files.Own((int)descriptor));

        // The number may be a thread's of another process by now: EINVAL, since 6.15 ENOENT.
        return LinuxException.LastErrno is Errno.ESRCH or Errno.EINVAL or Errno.ENOENT
            ? null
            : throw LinuxException.Last(string.Create(CultureInfo.InvariantCulture, $"pidfd_open {pid}"));
    }

    /// <summary>Sends a signal; false when the process is gone. See pidfd_send_signal(2).</summary>
    /// <remarks>A stop is in effect shortly after, not on return: see <see cref="ProcessStatus.State"/>.</remarks>
    public bool TrySignal(Signal signal)
    {
        if (LibC.pidfd_send_signal(_handle, (int)signal) == 0)
            return true;
        return LinuxException.LastErrno == Errno.ESRCH
            ? false
            : throw LinuxException.Last(string.Create(CultureInfo.InvariantCulture, $"send {signal} to {Pid}"));
    }

    /// <summary>Forgets the process, which goes on.</summary>
    public void Dispose() => _handle.Dispose();
}
