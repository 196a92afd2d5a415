using System.Globalization;
using System.Text;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>
/// An exclusive lock on a file, held until it is disposed of, the handle is closed, or the process ends. It belongs to the open file, so a
/// second open of the same file in this process contends for it like any other. See flock(2).
/// </summary>
public sealed class FileLock : IDisposable
{
    private readonly SafeFileHandle _handle;
    private int _released;

    internal FileLock(SafeFileHandle handle)
    {
        _handle = handle;
    }

    /// <summary>
    /// Writes our process id into the file, which is open for writing, for whoever is refused. Where there is no room for it, it stays unsaid: the lock
    /// is what counts.
    /// </summary>
    public void Sign()
    {
        try
        {
            Files.SetLength(_handle, 0);
            Files.WriteAll(_handle, 0, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n")));
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOSPC or Errno.EDQUOT)
        {
        }
    }

    /// <summary>Who signed a lock that somebody else holds, as <c> (process 17)</c>; empty where they have not, as in the moment after it was taken.</summary>
    public static string OwnerOf(SafeFileHandle file) =>
        int.TryParse(Encoding.ASCII.GetString(Files.ReadAll(file)), CultureInfo.InvariantCulture, out var pid) ? string.Create(CultureInfo.InvariantCulture, $" (process {pid})") : "";

    /// <summary>Gives the lock back. The handle stays open.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _released, 1) == 0 && !_handle.IsClosed)
            _ = LibC.flock(_handle, LibC.LOCK_UN);
    }
}
