using System.Diagnostics;

namespace Lamina.Storage;

/// <summary>The spans of calls and of what backends do for them. With nobody there who wants them, there are none.</summary>
public static class StorageTrace
{
    /// <summary>The name of the source.</summary>
    public const string SourceName = "Lamina";

    /// <summary>Where spans begin.</summary>
    public static ActivitySource Source { get; } = new(SourceName);

    /// <summary>Does something that is a part of a step, which alone is measured, as a span of its own.</summary>
    internal static T Run<T>(string name, Func<T> part)
    {
        using var span = Source.StartActivity(name);
        try
        {
            return part();
        }
        catch (Exception e)
        {
            span?.SetStatus(ActivityStatusCode.Error, e.Message);
            throw;
        }
    }

    /// <inheritdoc cref="Run{T}(string, Func{T})"/>
    internal static void Run(string name, Action part) => Run(name, () =>
    {
        part();
        return true;
    });
}
