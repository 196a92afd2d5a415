using System.ComponentModel;
using System.Diagnostics;

namespace Lamina.Linux;

/// <summary>
/// A process that runs beside ours and learns of our end: its standard input ends when we do, however we end, since nobody else holds the
/// other end. It shares our standard output and error.
/// </summary>
public sealed class CompanionProcess : IDisposable
{
    private readonly Process _process;

    private CompanionProcess(Process process) => _process = process;

    /// <summary>Its number.</summary>
    public int Pid => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Starts one, with the root as its working directory.</summary>
    /// <param name="file">A path, or a name to be found in PATH or the system's directories.</param>
    /// <param name="arguments">As they are.</param>
    /// <param name="environment">Variables that are set for it, besides our own.</param>
    /// <exception cref="LinuxException">ENOENT or EACCES when it can't be started.</exception>
    public static CompanionProcess Start(
        string file, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(ChildProcess.Resolve(file), arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            WorkingDirectory = "/",
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        try
        {
#pragma warning disable RS0030 // One of the two places; a ChildProcess is waited for, this is not.
            return new CompanionProcess(Process.Start(start) ?? throw new LinuxException($"run {file}", Errno.ECHILD));
#pragma warning restore RS0030
        }
        catch (Win32Exception e)
        {
            throw new LinuxException($"run {file}", (Errno)e.NativeErrorCode);
        }
    }

    /// <summary>Ends its standard input, and waits until it has ended too.</summary>
    public Task CloseAsync(CancellationToken cancellationToken)
    {
        _process.StandardInput.Close();
        return _process.WaitForExitAsync(cancellationToken);
    }

    /// <summary>Ends its standard input; it may go on for a while.</summary>
    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.Dispose();
    }
}
