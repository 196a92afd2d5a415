using System.Collections.Immutable;

namespace Lamina.Storage.Operations;

/// <summary>An operation that is under way, and how far it is.</summary>
public sealed class RunningOperation
{
    private static readonly AsyncLocal<RunningOperation?> s_current = new();
    private volatile Amount? _progress;

    internal RunningOperation(string what, ImmutableArray<LockKey> keys, DateTimeOffset since)
    {
        What = what;
        Keys = keys;
        Since = since;
    }

    /// <summary>What is done: <c>create volume 'data'</c>.</summary>
    public string What { get; }

    /// <summary>Since when.</summary>
    public DateTimeOffset Since { get; }

    /// <summary>How many bytes are copied, of how many; null where nothing is.</summary>
    public (ByteSize Done, ByteSize Total)? Progress => _progress is { } progress ? (progress.Done, progress.Total) : null;

    internal ImmutableArray<LockKey> Keys { get; }

    /// <summary>For messages: <c>create volume 'data', 3Gi of 10Gi copied</c>.</summary>
    public override string ToString() => Progress is { } progress ? $"{What}, {progress.Done} of {progress.Total} copied" : What;

    /// <summary>Tells how far the operation is that the caller works for. Outside of one, nobody wants to know.</summary>
    internal static void Report(long done, long total)
    {
        if (s_current.Value is { } operation)
            operation._progress = new Amount(new ByteSize(done), new ByteSize(total));
    }

    /// <summary>From here on the caller, and whatever it starts, works for this operation.</summary>
    internal void Enter() => s_current.Value = this;

    private sealed record Amount(ByteSize Done, ByteSize Total);
}
