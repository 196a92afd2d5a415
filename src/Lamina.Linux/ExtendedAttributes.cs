using System.Buffers;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>
/// Extended attributes, of a name in a directory or of an open file; never through a symbolic link. Attribute names carry their
/// namespace: <c>user.x</c>, <c>trusted.x</c>. See xattr(7).
/// </summary>
/// <remarks>
/// Names are reached by <c>/proc/self/fd/N/name</c>, since the calls that take a descriptor and a name are newer than 6.12.
/// </remarks>
public static unsafe class ExtendedAttributes
{
    // XATTR_SIZE_MAX; a list can be as long.
    private const int MaxSize = 64 * 1024;
    private const int UsualSize = 256;

    /// <summary>The value of an attribute; null when it is not set (ENODATA).</summary>
    /// <exception cref="LinuxException">ENOENT, EOPNOTSUPP where the filesystem has none.</exception>
    public static byte[]? Get(SafeFileHandle directory, string name, string attribute) =>
        Get(Path(directory, name), attribute, follow: false, () => Files.Describe(directory, name));

    /// <summary>
    /// The value of an attribute of an open file, also of a <see cref="OpenFlags.Path"/> handle; null when it is not set.
    /// </summary>
    public static byte[]? Get(SafeFileHandle handle, string attribute) =>
        Get(Files.PathOf(handle), attribute, follow: true, () => Files.Describe(handle));

    /// <summary>Sets an attribute, whether or not it was set.</summary>
    /// <exception cref="LinuxException">
    /// EOPNOTSUPP, E2BIG above 64 KiB, ENOSPC or EDQUOT where the filesystem allows less, EPERM for a user attribute of a link or
    /// device.
    /// </exception>
    public static void Set(SafeFileHandle directory, string name, string attribute, ReadOnlySpan<byte> value)
    {
        fixed (byte* pointer = value)
        {
            if (LibC.lsetxattr(Path(directory, name), attribute, pointer, (nuint)value.Length, 0) < 0)
                throw LinuxException.Last($"setxattr {attribute}", directory, name);
        }
    }

    /// <summary>Sets an attribute of an open file, whether or not it was set.</summary>
    public static void Set(SafeFileHandle handle, string attribute, ReadOnlySpan<byte> value)
    {
        fixed (byte* pointer = value)
        {
            if (LibC.setxattr(Files.PathOf(handle), attribute, pointer, (nuint)value.Length, 0) < 0)
                throw LinuxException.Last($"setxattr {attribute}", handle);
        }
    }

    /// <summary>The value of an attribute of an open file that holds a path, as other calls take paths; null when it is not set.</summary>
    public static string? GetPath(SafeFileHandle handle, string attribute) => Get(handle, attribute) is { } value ? PathEncoding.Decode(value) : null;

    /// <summary>Sets an attribute of an open file to a path. The kernel gets the bytes that it knows the path by.</summary>
    public static void SetPath(SafeFileHandle handle, string attribute, string path) => Set(handle, attribute, PathEncoding.GetBytes(path));

    /// <summary>The names of all attributes that we may see; empty where the filesystem has none.</summary>
    public static IReadOnlyList<string> List(SafeFileHandle directory, string name) =>
        List(Path(directory, name), follow: false, () => Files.Describe(directory, name));

    /// <summary>The names of all attributes of an open file.</summary>
    public static IReadOnlyList<string> List(SafeFileHandle handle) =>
        List(Files.PathOf(handle), follow: true, () => Files.Describe(handle));

    /// <summary>Removes an attribute.</summary>
    /// <exception cref="LinuxException">ENODATA when it is not set.</exception>
    public static void Remove(SafeFileHandle directory, string name, string attribute)
    {
        if (LibC.lremovexattr(Path(directory, name), attribute) < 0)
            throw LinuxException.Last($"removexattr {attribute}", directory, name);
    }

    /// <summary>Removes an attribute of an open file.</summary>
    /// <exception cref="LinuxException">ENODATA when it is not set.</exception>
    public static void Remove(SafeFileHandle handle, string attribute)
    {
        if (LibC.removexattr(Files.PathOf(handle), attribute) < 0)
            throw LinuxException.Last($"removexattr {attribute}", handle);
    }

    private static string Path(SafeFileHandle directory, string name) => $"{Files.PathOf(directory)}/{name}";

    private static byte[]? Get(string path, string attribute, bool follow, Func<string> describe)
    {
        var errno = TryFill(
            (buffer, size) => follow
                ? LibC.getxattr(path, attribute, (byte*)buffer, size)
                : LibC.lgetxattr(path, attribute, (byte*)buffer, size),
            out var value);
        return errno switch
        {
            Errno.None => value,
            Errno.ENODATA => null,
            _ => throw new LinuxException($"getxattr {attribute} {describe()}", errno),
        };
    }

    private static List<string> List(string path, bool follow, Func<string> describe)
    {
        var errno = TryFill(
            (buffer, size) => follow ? LibC.listxattr(path, (byte*)buffer, size) : LibC.llistxattr(path, (byte*)buffer, size),
            out var list);
        if (errno is Errno.EOPNOTSUPP)
            return [];
        if (errno != Errno.None)
            throw new LinuxException($"listxattr {describe()}", errno);

        List<string> names = [];
        for (var rest = list.AsSpan(); !rest.IsEmpty;)
        {
            var end = rest.IndexOf((byte)0);
            names.Add(PathEncoding.Decode(rest[..end]));
            rest = rest[(end + 1)..];
        }
        return names;
    }

    /// <summary>Calls with a buffer of the usual size, then with one of the largest that there can be.</summary>
    private static Errno TryFill(Func<nint, nuint, nint> call, out byte[] content)
    {
        for (var size = UsualSize; ; size = MaxSize)
        {
            var buffer = ArrayPool<byte>.Shared.Rent(size);
            try
            {
                nint length;
                fixed (byte* pointer = buffer)
                    length = call((nint)pointer, (nuint)buffer.Length);
                if (length >= 0)
                {
                    content = buffer[..(int)length];
                    return Errno.None;
                }
                var errno = LinuxException.LastErrno;
                if (errno == Errno.ERANGE && size < MaxSize)
                    continue;
                content = [];
                return errno;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }
}
