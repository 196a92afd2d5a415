using System.Globalization;
using System.Text;

namespace Lamina.Linux;

/// <summary>
/// What a block device has done since the kernel made it; a loop device goes on counting from what it did for other files. See the kernel's
/// Documentation/block/stat.rst.
/// </summary>
/// <param name="Reads">Reads that are through.</param>
/// <param name="ReadBytes">What they read.</param>
/// <param name="Writes">Writes that are through.</param>
/// <param name="WrittenBytes">What they wrote.</param>
/// <param name="Busy">How long it had anything to do.</param>
public sealed record BlockStatistics(long Reads, long ReadBytes, long Writes, long WrittenBytes, TimeSpan Busy)
{
    // Whatever the device's own sectors are.
    private const int Sector = 512;

    /// <summary>Of several devices; as busy as the one that was so the longest.</summary>
    public static BlockStatistics operator +(BlockStatistics one, BlockStatistics other) => new(
        one.Reads + other.Reads, one.ReadBytes + other.ReadBytes, one.Writes + other.Writes, one.WrittenBytes + other.WrittenBytes, one.Busy > other.Busy ? one.Busy : other.Busy);

    /// <summary>What was done since; null where less is counted than then, so that it is another device.</summary>
    public BlockStatistics? Since(BlockStatistics begin) => begin.Reads > Reads || begin.Writes > Writes || begin.ReadBytes > ReadBytes || begin.WrittenBytes > WrittenBytes || begin.Busy > Busy
        ? null
        : new(Reads - begin.Reads, ReadBytes - begin.ReadBytes, Writes - begin.Writes, WrittenBytes - begin.WrittenBytes, Busy - begin.Busy);

    /// <summary>Of a device; null where there is none of that number, as of a filesystem without a device of its own.</summary>
    /// <param name="device">As <see cref="FileStatus.Device"/> or <see cref="FileStatus.RepresentedDevice"/>.</param>
    public static BlockStatistics? Find(ulong device) =>
        DeviceNumber.Major(device) == 0 ? null : Read(string.Create(CultureInfo.InvariantCulture, $"/sys/dev/block/{DeviceNumber.Major(device)}:{DeviceNumber.Minor(device)}/stat"));

    /// <summary>Of a device by the kernel's name of it, such as <c>loop3</c>; null where there is none.</summary>
    public static BlockStatistics? Find(string name) => name is "" or "." or ".." || name.Contains('/') ? null : Read($"/sys/class/block/{name}/stat");

    internal static BlockStatistics? Parse(ReadOnlySpan<byte> text)
    {
        var fields = Encoding.ASCII.GetString(text).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        var numbers = new long[10];
        if (fields.Length < numbers.Length)
            return null;
        for (var i = 0; i < numbers.Length; i++)
        {
            if (!long.TryParse(fields[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]))
                return null;
        }
        // Reads, merged reads, sectors, milliseconds; the same of writes; how many are under way; milliseconds in which any were.
        return new BlockStatistics(numbers[0], numbers[2] * Sector, numbers[4], numbers[6] * Sector, TimeSpan.FromMilliseconds(numbers[9]));
    }

    private static BlockStatistics? Read(string path)
    {
        try
        {
            using var file = Files.Open(path, OpenFlags.ReadOnly);
            return Parse(Files.ReadAll(file));
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ENODEV or Errno.ENXIO)
        {
            return null;
        }
    }
}
