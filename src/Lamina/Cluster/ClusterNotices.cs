using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Lamina.Hosting;

namespace Lamina.Cluster;

/// <summary>
/// What is to be told to the cluster, on its way: a bounded queue, so that whoever tells something never waits and an API server that is away
/// takes no memory. Without a cluster it takes nothing.
/// </summary>
internal sealed class ClusterNotices
{
    /// <summary>So many may wait.</summary>
    internal const int Capacity = 256;

    private readonly ClusterStanding _standing;
    private readonly Channel<Notice>? _queue;

    public ClusterNotices(LaminaOptions options, ClusterStanding standing)
    {
        _standing = standing;
        if (ClusterPresence.IsThere(options.Cluster))
            _queue = Channel.CreateBounded<Notice>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    }

    /// <summary>Whether there is somebody to tell.</summary>
    internal bool IsWanted => _queue is not null;

    /// <summary>Tells it, soon. Never waits and never fails.</summary>
    /// <returns>False: there is no room, and it is counted as dropped.</returns>
    internal bool Tell(Notice notice)
    {
        if (_queue is null)
            return false;
        if (_queue.Writer.TryWrite(notice))
            return true;
        _standing.Dropped();
        return false;
    }

    /// <summary>Takes the next one, for the one who sends it.</summary>
    internal bool TryTake([NotNullWhen(true)] out Notice? notice) => Reader.TryRead(out notice);

    /// <summary>Ends when there is one to take.</summary>
    internal async Task WaitAsync(CancellationToken cancellationToken) => await Reader.WaitToReadAsync(cancellationToken);

    private ChannelReader<Notice> Reader => (_queue ?? throw new InvalidOperationException("there is no cluster")).Reader;
}
