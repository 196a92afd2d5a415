using System.Text;

namespace Lamina.Linux;

/// <summary>The identity of this boot of the machine. See random(4).</summary>
public static class BootId
{
    /// <summary>A random UUID in text, the same until the next boot.</summary>
    public static string Read()
    {
        using var handle = Files.Open("/proc/sys/kernel/random/boot_id", OpenFlags.ReadOnly);
        return Encoding.ASCII.GetString(Files.ReadAll(handle)).Trim();
    }
}
