using System.Globalization;

namespace Lamina.Linux;

/// <summary>What this process may. See capabilities(7).</summary>
public static class Capabilities
{
    private const int SystemResource = 24;

    /// <summary>CAP_SYS_RESOURCE, which the kernel asks for to grow an ext4 that is mounted.</summary>
    public static bool HasSystemResource => (Effective & (1UL << SystemResource)) != 0;

    private static ulong Effective
    {
        get
        {
            using var directory = Files.OpenDirectory("/proc/self");
            var status = System.Text.Encoding.ASCII.GetString(Files.TryReadAllAt(directory, "status")!);
            var line = status.Split('\n').First(line => line.StartsWith("CapEff:", StringComparison.Ordinal));
            return ulong.Parse(line.AsSpan("CapEff:".Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }
    }
}
