using System.Globalization;
using System.Text.RegularExpressions;

namespace Lamina.Cli;

/// <summary>Durations as people write and read them.</summary>
internal static partial class Duration
{
    /// <summary>What <see cref="TryParse"/> reads, for messages.</summary>
    internal const string Grammar = "a duration such as 500ms, 30s, 5m or 1h";

    /// <summary>Reads <c>500ms</c>, <c>30s</c>, <c>1.5m</c>, <c>2h</c>; a number alone is seconds.</summary>
    internal static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        var match = Pattern().Match(text);
        if (!match.Success)
            return false;
        var number = double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
        duration = match.Groups[2].Value switch
        {
            "ms" => TimeSpan.FromMilliseconds(number),
            "m" => TimeSpan.FromMinutes(number),
            "h" => TimeSpan.FromHours(number),
            _ => TimeSpan.FromSeconds(number),
        };
        return true;
    }

    /// <summary>How long ago something was, in its largest unit: <c>45s</c>, <c>3m</c>, <c>5h</c>, <c>12d</c>, <c>2y</c>.</summary>
    internal static string Age(TimeSpan age) => age switch
    {
        { TotalSeconds: < 1 } => "0s",
        { TotalMinutes: < 1 } => Number(age.TotalSeconds, "s"),
        { TotalHours: < 1 } => Number(age.TotalMinutes, "m"),
        { TotalDays: < 2 } => Number(age.TotalHours, "h"),
        { TotalDays: < 730 } => Number(age.TotalDays, "d"),
        _ => Number(age.TotalDays / 365.25, "y"),
    };

    /// <summary>How long something took: <c>0.4ms</c>, <c>12ms</c>, <c>1.25s</c>.</summary>
    internal static string Span(TimeSpan span) => span switch
    {
        { TotalMilliseconds: < 10 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds:0.#}ms"),
        { TotalSeconds: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds:0}ms"),
        { TotalMinutes: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.##}s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(span.TotalMinutes)}m{span.Seconds}s"),
    };

    private static string Number(double value, string unit) => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(value)}{unit}");

    [GeneratedRegex(@"\A(\d{1,6}(?:\.\d{1,6})?)(ms|s|m|h)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
