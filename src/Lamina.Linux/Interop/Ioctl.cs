using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Interop;

/// <summary>A request to a driver or filesystem: its number and the name the kernel's headers give it. See ioctl(2).</summary>
/// <param name="Name">Appears in errors.</param>
/// <param name="Code">Direction, size, family and number in one.</param>
internal readonly unsafe record struct Ioctl(string Name, uint Code)
{
    /// <summary>Makes the request, or throws what the kernel answers.</summary>
    /// <param name="handle">Of what.</param>
    /// <param name="argument">The request's own.</param>
    /// <param name="name">The name in the directory <paramref name="handle"/> that the request is about, for the error.</param>
    /// <param name="detail">What else an error is to say.</param>
    public int Call(SafeFileHandle handle, void* argument, string? name = null, string? detail = null) =>
        Call(handle, (nint)argument, name, detail);

    /// <inheritdoc cref="Call(SafeFileHandle, void*, string?, string?)"/>
    public int Call(SafeFileHandle handle, nint argument, string? name = null, string? detail = null)
    {
        var errno = Try(handle, argument, out var result);
        if (errno == Errno.None)
            return result;
        throw name is null ? LinuxException.Of(Name, errno, handle, detail) : LinuxException.At(Name, errno, handle, name);
    }

    /// <summary>Makes the request and returns what the kernel answers.</summary>
    public Errno Try(SafeFileHandle handle, void* argument) => Try(handle, (nint)argument, out _);

    /// <inheritdoc cref="Try(SafeFileHandle, void*)"/>
    public Errno Try(SafeFileHandle handle, nint argument, out int result)
    {
        do
            result = LibC.ioctl(handle, Code, argument);
        while (LibC.Interrupted(result));
        return result < 0 ? LinuxException.LastErrno : Errno.None;
    }
}
