namespace Lamina.Linux;

/// <summary>Device numbers: one 64-bit value as stat(2) has it, or a pair as the mount table has it. See makedev(3).</summary>
public static class DeviceNumber
{
    /// <summary>One value from a pair.</summary>
    public static ulong Make(uint major, uint minor) =>
        ((ulong)(major & 0xffff_f000) << 32) | ((ulong)(major & 0xfff) << 8) | ((ulong)(minor & 0xffff_ff00) << 12) | (minor & 0xff);

    /// <summary>The driver's half.</summary>
    public static uint Major(ulong device) => (uint)((device >> 32) & 0xffff_f000) | (uint)((device >> 8) & 0xfff);

    /// <summary>The device's half.</summary>
    public static uint Minor(ulong device) => (uint)((device >> 12) & 0xffff_ff00) | (uint)(device & 0xff);
}
