using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>The kernel refused an operation.</summary>
/// <param name="operation">What was asked, with its object: <c>open /x</c>.</param>
/// <param name="errno">What the kernel answered.</param>
/// <param name="detail">What else is known: the kernel's own log text, or the value that was refused.</param>
public sealed class LinuxException(string operation, Errno errno, string? detail = null)
    : IOException(Describe(operation, errno, detail))
{
    /// <summary>What was asked, with its object: <c>open /x</c>.</summary>
    public string Operation { get; } = operation;

    /// <summary>What the kernel answered.</summary>
    public Errno Errno { get; } = errno;

    /// <summary>What else is known, or null.</summary>
    public string? Detail { get; } = detail;

    /// <summary>The error of the last call of this thread.</summary>
    internal static LinuxException Last(string operation, string? detail = null) =>
        new(operation, LastErrno, detail);

    /// <summary>
    /// The error of the last call of this thread, which was about <paramref name="name"/> in <paramref name="directory"/>.
    /// </summary>
    internal static LinuxException Last(string call, SafeFileHandle directory, string name)
    {
        // Naming the directory takes another call, which overwrites the error.
        var errno = LastErrno;
        return At(call, errno, directory, name);
    }

    /// <summary>The error of the last call of this thread, which was about <paramref name="handle"/>.</summary>
    internal static LinuxException Last(string call, SafeFileHandle handle)
    {
        var errno = LastErrno;
        return Of(call, errno, handle);
    }

    internal static LinuxException At(string call, Errno errno, SafeFileHandle directory, string name) =>
        new($"{call} {Files.Describe(directory, name)}", errno);

    internal static LinuxException Of(string call, Errno errno, SafeFileHandle handle, string? detail = null) =>
        new($"{call} {Files.Describe(handle)}", errno, detail);

    internal static Errno LastErrno => (Errno)Marshal.GetLastPInvokeError();

    private static string Describe(string operation, Errno errno, string? detail)
    {
        var message = $"{operation}: {Marshal.GetPInvokeErrorMessage((int)errno)} ({errno})";
        return detail is null ? message : $"{message}: {detail}";
    }
}
