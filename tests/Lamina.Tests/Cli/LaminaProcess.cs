namespace Lamina.Tests.Cli;

/// <summary>The program itself, as it was built beside the tests.</summary>
internal static class LaminaProcess
{
    /// <summary>Where it is.</summary>
    internal static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "lamina");
}
