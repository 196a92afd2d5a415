namespace Lamina.Hosting;

/// <summary>The configuration is wrong; every error is named.</summary>
internal sealed class ConfigurationException(IReadOnlyList<string> errors) : Exception("the configuration is wrong:\n  " + string.Join("\n  ", errors))
{
    /// <summary>The errors, a line each.</summary>
    internal IReadOnlyList<string> Errors { get; } = errors;
}
