using System.Text;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>
/// A filesystem that is being configured, option by option, before it is mounted. Values go to the kernel as they are: there is nothing to
/// escape. See fsopen(2), fsconfig(2), fsmount(2).
/// </summary>
internal sealed unsafe class FileSystemContext : IDisposable
{
    private readonly string _type;
    private readonly SafeFileHandle _context;

    public FileSystemContext(string type)
    {
        _type = type;
        var descriptor = LibC.fsopen(type, LibC.FSOPEN_CLOEXEC);
        _context = descriptor >= 0 ? Files.Own((int)descriptor) : throw LinuxException.Last($"fsopen {type}");
    }

    /// <summary>Sets an option; without a value, a flag.</summary>
    public void Set(string key, string? value)
    {
        if (TrySet(key, value) is var errno and not Errno.None)
            throw Failed(value is null ? $"fsconfig {_type} {key}" : $"fsconfig {_type} {key}={value}", errno);
    }

    /// <summary>Like <see cref="Set"/>, and returns what the kernel answers.</summary>
    public Errno TrySet(string key, string? value) =>
        LibC.fsconfig(_context, value is null ? LibC.FSCONFIG_SET_FLAG : LibC.FSCONFIG_SET_STRING, key, value, 0) < 0
            ? LinuxException.LastErrno
            : Errno.None;

    /// <summary>Makes the filesystem, or finds the one that the device has already.</summary>
    public void Create()
    {
        if (TryCreate() is var errno and not Errno.None)
            throw Failed($"mount {_type}", errno);
    }

    /// <summary>Like <see cref="Create"/>, and returns what the kernel answers.</summary>
    public Errno TryCreate() =>
        LibC.fsconfig(_context, LibC.FSCONFIG_CMD_CREATE, null, null, 0) < 0 ? LinuxException.LastErrno : Errno.None;

    /// <summary>A detached mount of the filesystem; it goes with its last descriptor unless it is attached.</summary>
    public SafeFileHandle Mount(MountAttributes attributes)
    {
        var descriptor = LibC.fsmount(_context, LibC.FSMOUNT_CLOEXEC, (uint)attributes);
        return descriptor >= 0 ? Files.Own((int)descriptor) : throw Failed($"fsmount {_type}", LinuxException.LastErrno);
    }

    public void Dispose() => _context.Dispose();

    private LinuxException Failed(string operation, Errno errno)
    {
        var log = ReadLog();
        return new LinuxException(operation, errno, log.Length == 0 ? null : log);
    }

    /// <summary>What the filesystem has to say: one message per read, led by its level ("e ", "w ", "i ").</summary>
    private string ReadLog()
    {
        var log = new StringBuilder();
        Span<byte> buffer = stackalloc byte[1024];
        fixed (byte* pointer = buffer)
        {
            nint length;
            while ((length = LibC.read(_context, pointer, (nuint)buffer.Length)) > 0 || LibC.Interrupted(length))
            {
                if (length <= 0)
                    continue;
                var message = PathEncoding.Decode(buffer[..(int)length]).TrimEnd('\n');
                log.Append(log.Length > 0 ? "; " : "").Append(message.Length > 2 && message[1] == ' ' ? message[2..] : message);
            }
        }
        return log.ToString();
    }
}
