namespace Lamina.Cli;

/// <summary>A command ends without success.</summary>
/// <param name="code">How.</param>
/// <param name="message">Why, for the person who has to act on it; empty when that has been said already.</param>
internal sealed class CommandFailure(ExitCode code, string message) : Exception(message)
{
    /// <summary>The exit code.</summary>
    internal ExitCode Code { get; } = code;
}
