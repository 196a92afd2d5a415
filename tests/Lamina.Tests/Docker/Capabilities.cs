using System.Globalization;

namespace Lamina.Tests.Docker;

/// <summary>What the daemon needs of root's rights, as far as the tests themselves have them: some sandboxes lack one, and nobody in them can give it to anybody.</summary>
internal static class Capabilities
{
    private static readonly Dictionary<string, int> s_numbers = new()
    {
        ["CAP_DAC_READ_SEARCH"] = 2, ["CAP_KILL"] = 5, ["CAP_LINUX_IMMUTABLE"] = 9, ["CAP_SYS_PTRACE"] = 19, ["CAP_SYS_ADMIN"] = 21, ["CAP_SYS_RESOURCE"] = 24, ["CAP_MKNOD"] = 27,
    };

    private static readonly ulong s_bounding = ulong.Parse(
        File.ReadLines("/proc/self/status").First(line => line.StartsWith("CapBnd:", StringComparison.Ordinal))["CapBnd:".Length..],
        NumberStyles.AllowHexSpecifier | NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture);

    /// <summary>Those that there are.</summary>
    internal static IEnumerable<string> All => s_numbers.Keys.Where(Has);

    /// <summary>Whether there is this one.</summary>
    internal static bool Has(string name) => (s_bounding >> s_numbers[name] & 1) != 0;
}
