using System.Diagnostics;
using Lamina.Linux;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Operations;

/// <summary>
/// A call by whatever door, or a piece of work that nobody has called for: its id stands in every line of the log that is written for it, goes to commands that are
/// run for it, and is that of its trace.
/// </summary>
public sealed class CallScope : IDisposable
{
    /// <summary>What the id is called in the log.</summary>
    public const string Key = "Call";

    private readonly string? _outer = Correlation.Current;
    private readonly Activity? _span;
    private readonly IDisposable? _scope;

    private CallScope(ILogger logger, Activity? span, string id)
    {
        _span = span;
        Id = id;
        Correlation.Current = id;
        _scope = logger.BeginScope("call {" + Key + "}", id);
    }

    /// <summary>The id.</summary>
    public string Id { get; }

    /// <summary>Begins that of a call; it ends with the scope.</summary>
    /// <param name="logger">Whose lines get the id; those of all others do too.</param>
    /// <param name="method">The method, which is the span's name.</param>
    /// <param name="traceParent">The caller's own trace, as W3C's <c>traceparent</c> has it, which then goes on here; null, or not of that form: a new one.</param>
    /// <param name="traceState">What goes with it.</param>
    public static CallScope Begin(ILogger logger, string method, string? traceParent, string? traceState)
    {
        var isContinued = ActivityContext.TryParse(traceParent, traceState, isRemote: true, out var parent);
        var span = StorageTrace.Source.StartActivity(method, ActivityKind.Server, parent);
        // Known to the caller even where nobody here wants spans.
        return new CallScope(logger, span, span?.TraceId.ToHexString() ?? (isContinued ? parent.TraceId.ToHexString() : NewId()));
    }

    /// <summary>Begins that of work behind the scenes; it ends with the scope.</summary>
    /// <param name="logger">Whose lines get the id; those of all others do too.</param>
    /// <param name="what">What is done, which is the span's name; null: it happens so often that it has none.</param>
    public static CallScope BeginOwn(ILogger logger, string? what)
    {
        var span = what is null ? null : StorageTrace.Source.StartActivity(what);
        return new CallScope(logger, span, span?.TraceId.ToHexString() ?? NewId());
    }

    /// <summary>How it ended.</summary>
    /// <param name="outcome">The status code's name, or the kind of error.</param>
    public void End(string outcome)
    {
        _span?.SetTag("lamina.outcome", outcome);
        if (outcome != "OK")
            _span?.SetStatus(ActivityStatusCode.Error, outcome);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _scope?.Dispose();
        Correlation.Current = _outer;
        _span?.Dispose();
    }

    private static string NewId() => ActivitySpanId.CreateRandom().ToHexString();
}
