using System.Diagnostics;

namespace Lamina.Linux;

/// <summary>The spans of what takes time in the kernel and in commands: flushes, and commands until their end. With nobody there who wants them, there are none.</summary>
public static class LinuxTrace
{
    /// <summary>The name of the source.</summary>
    public const string SourceName = "Lamina.Linux";

    /// <summary>Where spans begin.</summary>
    public static ActivitySource Source { get; } = new(SourceName);
}
