using System.CommandLine.Completions;
using Grpc.Core;

namespace Lamina.Cli.Completion;

/// <summary>Completes names from what the daemon has. Where it can't be asked, or is slow, there is nothing to complete.</summary>
internal sealed class NameCompletion(GlobalOptions globals)
{
    private const int Most = 1000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>The names of pools.</summary>
    internal IEnumerable<string> Pools(CompletionContext context) =>
        Ask(context, (daemon, call) => daemon.Pools.List(new V1.ListPoolsRequest(), call), pool => pool.Name);

    /// <summary>The names of volumes.</summary>
    internal IEnumerable<string> Volumes(CompletionContext context) =>
        Ask(context, (daemon, call) => daemon.Volumes.List(new V1.ListVolumesRequest(), call), volume => volume.Name);

    /// <summary>The names of snapshots.</summary>
    internal IEnumerable<string> Snapshots(CompletionContext context) =>
        Ask(context, (daemon, call) => daemon.Snapshots.List(new V1.ListSnapshotsRequest(), call), snapshot => snapshot.Name);

    /// <summary>The names of groups of snapshots.</summary>
    internal IEnumerable<string> SnapshotGroups(CompletionContext context) =>
        Ask(context, (daemon, call) => daemon.SnapshotGroups.List(new V1.ListSnapshotGroupsRequest(), call), group => group.Name);

    private IEnumerable<string> Ask<T>(CompletionContext context, Func<DaemonConnection, CallOptions, AsyncServerStreamingCall<T>> call, Func<T, string> nameOf)
    {
        // The parser asks its sources synchronously; there is nothing else that this process could do meanwhile.
        return AskAsync(globals.SocketOf(context.ParseResult), context.WordToComplete, call, nameOf).GetAwaiter().GetResult();
    }

    private static async Task<IReadOnlyList<string>> AskAsync<T>(
        string socket, string word, Func<DaemonConnection, CallOptions, AsyncServerStreamingCall<T>> call, Func<T, string> nameOf)
    {
        var names = new List<string>();
        try
        {
            using var daemon = new DaemonConnection(socket);
            using var patience = new CancellationTokenSource(Patience);
            using var answers = call(daemon, new CallOptions(cancellationToken: patience.Token));
            while (names.Count < Most && await answers.ResponseStream.MoveNext(patience.Token))
            {
                if (nameOf(answers.ResponseStream.Current) is var name && name.StartsWith(word, StringComparison.Ordinal))
                    names.Add(name);
            }
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException)
        {
            // A completion has no place for an error.
        }
        return names;
    }
}
