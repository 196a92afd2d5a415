using System.Diagnostics;
using Lamina.Linux;
using Lamina.Storage;

namespace Lamina.Hosting;

/// <summary>A call by whatever door: its id stands in every line of the log that is written for it, goes to commands that are run for it, and is that of its trace.</summary>
internal sealed class CallScope : IDisposable
{
    /// <summary>What the id is called in the log.</summary>
    internal const string Key = "Call";

    private readonly Activity? _span;
    private readonly IDisposable? _scope;

    private CallScope(ILogger logger, string method)
    {
        _span = StorageTrace.Source.StartActivity(method, ActivityKind.Server);
        Id = _span?.TraceId.ToHexString() ?? ActivitySpanId.CreateRandom().ToHexString();
        Correlation.Current = Id;
        _scope = logger.BeginScope("call {" + Key + "}", Id);
    }

    /// <summary>The call's id.</summary>
    internal string Id { get; }

    /// <summary>Begins one; it ends with the scope.</summary>
    internal static CallScope Begin(ILogger logger, string method) => new(logger, method);

    /// <summary>How it ended.</summary>
    /// <param name="outcome">The status code's name, or the kind of error.</param>
    internal void End(string outcome)
    {
        _span?.SetTag("lamina.outcome", outcome);
        if (outcome != "OK")
            _span?.SetStatus(ActivityStatusCode.Error, outcome);
    }

    public void Dispose()
    {
        _scope?.Dispose();
        Correlation.Current = null;
        _span?.Dispose();
    }
}
