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

    /// <summary>Gives the lock back. The handle stays open.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _released, 1) == 0 && !_handle.IsClosed)
            _ = LibC.flock(_handle, LibC.LOCK_UN);
    }
}
