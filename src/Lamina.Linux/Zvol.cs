using System.Text;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>The block devices of ZFS, by an open handle of one.</summary>
public static unsafe class Zvol
{
    private const int MaxName = 256;
    private static readonly Ioctl s_getName = new("BLKZNAME", 0x8100_127d);

    /// <summary>The volume or snapshot of ZFS that a block device is, by its present name; null for a device of another sort.</summary>
    public static string? TryGetName(SafeFileHandle device)
    {
        var name = stackalloc byte[MaxName];
        return s_getName.Try(device, name) switch
        {
            Errno.None => Encoding.UTF8.GetString(new ReadOnlySpan<byte>(name, MaxName) is var all && all.IndexOf((byte)0) is >= 0 and var end ? all[..end] : all),
            Errno.ENOTTY or Errno.EINVAL => null,
            var errno => throw LinuxException.Of(s_getName.Name, errno, device),
        };
    }
}
