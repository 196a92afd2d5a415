namespace Lamina.Cli;

/// <summary>What the command line stands on: its three streams, and who is at the other end of them. Replaced as a whole in tests.</summary>
internal sealed record CliHost
{
    /// <summary>Where answers to questions come from.</summary>
    public required TextReader In { get; init; }

    /// <summary>Where data goes, and nothing else.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Where errors, notes and the progress go.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Whether a person can answer questions.</summary>
    public bool InIsTerminal { get; init; }

    /// <summary>Whether a person reads the data.</summary>
    public bool OutIsTerminal { get; init; }

    /// <summary>Whether a person reads the errors.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>Whether this is root.</summary>
    public bool IsRoot { get; init; } = true;

    /// <summary>Environment variables.</summary>
    public Func<string, string?> Environment { get; init; } = _ => null;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The process's own.</summary>
    internal static CliHost OfProcess() => new()
    {
        In = Console.In,
        Out = Console.Out,
        Error = Console.Error,
        InIsTerminal = !Console.IsInputRedirected,
        OutIsTerminal = !Console.IsOutputRedirected,
        ErrorIsTerminal = !Console.IsErrorRedirected,
        IsRoot = System.Environment.IsPrivilegedProcess,
        Environment = System.Environment.GetEnvironmentVariable,
    };
}
