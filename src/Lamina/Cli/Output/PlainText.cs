using System.Globalization;
using System.Text;

namespace Lamina.Cli.Output;

/// <summary>Text from elsewhere, made harmless for a terminal and for a table: names may hold line feeds, and paths anything at all.</summary>
internal static class PlainText
{
    /// <summary>The text with control characters, line separators and changes of direction written as <c>\u001b</c>.</summary>
    internal static string Of(string text) => text.Any(IsHarmful) ? Escape(text) : text;

    private static bool IsHarmful(char c) =>
        char.IsControl(c) || c is '\u2028' or '\u2029' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');

    private static string Escape(string text)
    {
        var escaped = new StringBuilder();
        foreach (var c in text)
        {
            if (IsHarmful(c))
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else
                escaped.Append(c);
        }
        return escaped.ToString();
    }
}
