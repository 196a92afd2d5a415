using System.Globalization;
using System.Text;
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

    private RuntimeLock(SafeFileHandle file) => _file = file;

    /// <summary>Takes it.</summary>
    /// <exception cref="IOException">Another daemon has it, or the directory can't be made or written.</exception>
    internal static RuntimeLock Take(string runtimeDirectory)
    {
        Files.MakeDirectories(runtimeDirectory, Mode);
        var file = Files.Open(Path.Combine(runtimeDirectory, "lock"), OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.NoFollow, 0x180 /* 0600 */);
        try
        {
            if (Files.TryLock(file) is null)
            {
                throw new IOException(
                    $"another daemon{Owner(file)} uses the runtime directory {runtimeDirectory}; stop it first, or give this one another: --runtimeDirectory=...");
            }
            RandomAccess.SetLength(file, 0);
            Files.WriteAll(file, 0, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n")));
            return new RuntimeLock(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    // It may have taken the lock a moment ago and not have written yet.
    private static string Owner(SafeFileHandle file) =>
        int.TryParse(Encoding.ASCII.GetString(Files.ReadAll(file)), CultureInfo.InvariantCulture, out var pid) ? string.Create(CultureInfo.InvariantCulture, $" (process {pid})") : "";
}
