namespace Lamina.Linux;

/// <summary>The id of the call that the current work is for: it goes along wherever the work goes, to commands that are run for it too.</summary>
public static class Correlation
{
    /// <summary>The variable by which commands know it.</summary>
    public const string Variable = "LAMINA_CALL";

    private static readonly AsyncLocal<string?> s_current = new();

    /// <summary>The id; null outside of calls.</summary>
    public static string? Current
    {
        get => s_current.Value;
        set => s_current.Value = value;
    }
}
