using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Hosting;

/// <summary>
/// One daemon has one runtime directory: holders and mounts there are one daemon's knowledge, and a second one would end what the first began.
/// Taken before anything else is touched, and given back with the last of it, also by a death.
/// </summary>
internal sealed class RuntimeLock : IDisposable
{
    private const int Mode = 0x1c9; // 0711, as the unit makes it: beneath it lie mounts that users of volumes go through.
    private readonly SafeFileHandle _file;
    private readonly FileLock _lock;

    private RuntimeLock(SafeFileHandle file, FileLock @lock) => (_file, _lock) = (file, @lock);

    /// <summary>Takes it.</summary>
    /// <exception cref="IOException">Another daemon has it, or the directory can't be made or written.</exception>
    internal static RuntimeLock Take(string runtimeDirectory)
    {
        Files.MakeDirectories(runtimeDirectory, Mode);
        var file = Files.Open(Path.Combine(runtimeDirectory, "lock"), OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.NoFollow, 0x180 /* 0600 */);
        try
        {
            var held = Files.TryLock(file) ?? throw new IOException(
                $"another daemon{FileLock.OwnerOf(file)} uses the runtime directory {runtimeDirectory}; stop it first, or give this one another: --runtimeDirectory=...");
            held.Sign();
            return new RuntimeLock(file, held);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Given back by word: a child that is just being started has the file open, too, until it becomes its program.
        _lock.Dispose();
        _file.Dispose();
    }
}
