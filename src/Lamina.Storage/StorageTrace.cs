using System.Diagnostics;

namespace Lamina.Storage;

/// <summary>The spans of calls and of what backends do for them. With nobody there who wants them, there are none.</summary>
public static class StorageTrace
{
    /// <summary>The name of the source.</summary>
    public const string SourceName = "Lamina";

    /// <summary>Where spans begin.</summary>
    public static ActivitySource Source { get; } = new(SourceName);
}
