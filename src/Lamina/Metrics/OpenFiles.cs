using System.Globalization;

namespace Lamina.Metrics;

/// <summary>What the daemon has open.</summary>
internal static class OpenFiles
{
    private const string LimitName = "Max open files";

    /// <summary>How many files, sockets and directories; the one that lists them not counted.</summary>
    internal static double Count() => Directory.EnumerateFileSystemEntries("/proc/self/fd").Count() - 1;

    /// <summary>How many it may have open; null when there is no limit.</summary>
    internal static double? Limit()
    {
        // Such as "Max open files            1024                 524288               files".
        var line = File.ReadLines("/proc/self/limits").FirstOrDefault(line => line.StartsWith(LimitName, StringComparison.Ordinal));
        return line?[LimitName.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var soft, ..] && double.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : null;
    }
}
