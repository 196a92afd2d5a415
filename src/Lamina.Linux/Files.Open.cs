using System.Globalization;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>
/// Files and directories by descriptor. A <c>name</c> is taken relative to the directory that is given; names come back from the kernel as
/// strings that hold every byte (see <see cref="DirectoryEntry"/>). Each failure is a <see cref="LinuxException"/>; calls that a signal
/// interrupts are made again; every descriptor is closed on exec.
/// </summary>
public static unsafe partial class Files
{
    // openat2 answers EAGAIN when a rename anywhere made its check of ".." unsure; then it must be asked again, but not forever.
    private const int MaxResolveAttempts = 64;

    /// <summary>Opens a path, following symbolic links. See open(2).</summary>
    /// <param name="path">Absolute, or relative to the working directory.</param>
    /// <param name="flags">How.</param>
    /// <param name="mode">Permission bits for a file that is made; the umask is taken off.</param>
    public static SafeFileHandle Open(string path, OpenFlags flags, int mode = 0)
    {
        int descriptor;
        do
            descriptor = LibC.openat(LibC.AtWorkingDirectory, path, LibC.Native(flags), mode);
        while (LibC.Interrupted(descriptor));
        return descriptor >= 0 ? Own(descriptor) : throw LinuxException.Last($"open {path}");
    }

    /// <summary>Opens a name in a directory, following symbolic links unless told otherwise. See openat(2).</summary>
    public static SafeFileHandle OpenAt(SafeFileHandle directory, string name, OpenFlags flags, int mode = 0)
    {
        int descriptor;
        do
            descriptor = LibC.openat(directory, name, LibC.Native(flags), mode);
        while (LibC.Interrupted(descriptor));
        return descriptor >= 0 ? Own(descriptor) : throw LinuxException.Last("open", directory, name);
    }

    /// <summary>Opens a directory for listing and flushing, following symbolic links. ENOTDIR when it is something else.</summary>
    public static SafeFileHandle OpenDirectory(string path) => Open(path, OpenFlags.ReadOnly | OpenFlags.Directory);

    /// <summary>Opens a directory in a directory, not through a symbolic link (ENOTDIR).</summary>
    public static SafeFileHandle OpenDirectoryAt(SafeFileHandle directory, string name) =>
        OpenAt(directory, name, OpenFlags.ReadOnly | OpenFlags.Directory | OpenFlags.NoFollow);

    /// <summary>
    /// Opens a path whose resolution is restricted, so that nobody who can change parts of it leads us elsewhere. See openat2(2).
    /// </summary>
    /// <param name="directory">Where a relative path starts; null: the working directory.</param>
    /// <param name="path">The path.</param>
    /// <param name="flags">How.</param>
    /// <param name="resolve">What the resolution must not do.</param>
    /// <param name="mode">Permission bits for a file that is made; the umask is taken off. 0 unless a file can be made (EINVAL).</param>
    /// <exception cref="LinuxException">
    /// ELOOP for a forbidden link, EXDEV for a forbidden step outside or across a mount, EAGAIN when renames never stopped.
    /// </exception>
    public static SafeFileHandle OpenResolved(
        SafeFileHandle? directory, string path, OpenFlags flags, ResolveFlags resolve, int mode = 0)
    {
        // openat2 checks what open ignores: of O_PATH's companions it takes only these.
        if ((flags & OpenFlags.Path) != 0)
            flags &= OpenFlags.Path | OpenFlags.Directory | OpenFlags.NoFollow;
        var how = new LibC.OpenHow { Flags = (uint)LibC.Native(flags), Mode = (uint)mode, Resolve = (ulong)resolve };
        for (var attempt = 1; ; attempt++)
        {
            var descriptor = LibC.openat2(directory ?? LibC.AtWorkingDirectory, path, &how);
            if (descriptor >= 0)
                return Own((int)descriptor);
            if (LinuxException.LastErrno is Errno.EINTR || (LinuxException.LastErrno is Errno.EAGAIN && attempt < MaxResolveAttempts))
                continue;
            throw directory is null ? LinuxException.Last($"openat2 {path}") : LinuxException.Last("openat2", directory, path);
        }
    }

    /// <summary>
    /// Opens anew the file behind a handle, such as one from <see cref="OpenFlags.Path"/>, whatever its name is now. See
    /// proc_pid_fd(5).
    /// </summary>
    public static SafeFileHandle Reopen(SafeFileHandle pathHandle, OpenFlags flags) => Open(PathOf(pathHandle), flags);

    /// <summary>A path that leads to exactly this open file while the handle is open: <c>/proc/self/fd/N</c>.</summary>
    public static string PathOf(SafeFileHandle handle)
    {
        ObjectDisposedException.ThrowIf(handle.IsClosed, handle);
        return string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{(int)handle.DangerousGetHandle()}");
    }

    /// <summary>The path that the kernel has for an open file now; " (deleted)" at the end when it has no name any more.</summary>
    public static string CurrentPath(SafeFileHandle handle) => ReadLink(LibC.AtWorkingDirectory, PathOf(handle));

    internal static SafeFileHandle Own(int descriptor) => new(descriptor, ownsHandle: true);

    /// <summary>How an error names an open file.</summary>
    internal static string Describe(SafeFileHandle handle)
    {
        if (handle.IsClosed)
            return "(closed)";
        if (ReferenceEquals(handle, LibC.AtWorkingDirectory))
            return ".";
        try
        {
            return CurrentPath(handle);
        }
        catch (LinuxException)
        {
            return PathOf(handle);
        }
    }

    /// <summary>How an error names a file in a directory.</summary>
    internal static string Describe(SafeFileHandle directory, string name) =>
        name.StartsWith('/') || ReferenceEquals(directory, LibC.AtWorkingDirectory) ? name : $"{Describe(directory)}/{name}";
}
