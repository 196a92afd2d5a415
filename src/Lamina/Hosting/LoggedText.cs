namespace Lamina.Hosting;

/// <summary>Text from outside in the log, for every door.</summary>
internal static class LoggedText
{
    private const int MaxLength = 512;

    /// <summary>The text, made unable to break a line or to fill the disk.</summary>
    internal static string Clean(string text)
    {
        var cut = text.Length > MaxLength ? text[..MaxLength] + "…" : text;
        return cut.Any(char.IsControl) ? string.Concat(cut.Select(c => char.IsControl(c) ? '?' : c)) : cut;
    }
}
