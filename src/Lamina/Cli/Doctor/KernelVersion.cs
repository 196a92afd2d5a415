using System.Globalization;
using System.Text.RegularExpressions;

namespace Lamina.Cli.Doctor;

/// <summary>A kernel's version, as far as features depend on it.</summary>
internal readonly partial record struct KernelVersion(int Major, int Minor) : IComparable<KernelVersion>
{
    /// <summary>Reads a release such as <c>6.18.44-amd64</c>; null when it is none.</summary>
    internal static KernelVersion? Parse(string release) =>
        Pattern().Match(release) is { Success: true } match
            ? new KernelVersion(int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture))
            : null;

    /// <inheritdoc/>
    public int CompareTo(KernelVersion other) => (Major, Minor).CompareTo((other.Major, other.Minor));

    /// <summary>Such as <c>6.18</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Major}.{Minor}");

    [GeneratedRegex(@"\A(\d{1,4})\.(\d{1,4})", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
