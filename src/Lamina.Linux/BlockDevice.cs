using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>Any block device, by an open handle of it.</summary>
public static unsafe class BlockDevice
{
    private static readonly Ioctl s_getSize = new("BLKGETSIZE64", 0x8008_1272);
    private static readonly Ioctl s_setReadOnly = new("BLKROSET", 0x125d);
    private static readonly Ioctl s_getReadOnly = new("BLKROGET", 0x125e);

    /// <summary>Its size in bytes.</summary>
    public static long GetSize(SafeFileHandle device)
    {
        ulong size;
        s_getSize.Call(device, &size);
        return (long)size;
    }

    /// <summary>Whether writes are refused.</summary>
    public static bool IsReadOnly(SafeFileHandle device)
    {
        int value;
        s_getReadOnly.Call(device, &value);
        return value != 0;
    }

    /// <summary>Refuses writes, or allows them again: for everybody who opens the device, through whatever mount of its node.</summary>
    public static void SetReadOnly(SafeFileHandle device, bool readOnly)
    {
        var value = readOnly ? 1 : 0;
        s_setReadOnly.Call(device, &value);
    }
}
