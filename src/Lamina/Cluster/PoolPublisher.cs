using System.Globalization;
using k8s.Models;
using Lamina.Hosting;
using Lamina.Storage.Pools;

namespace Lamina.Cluster;

/// <summary>
/// Shows this node's pools in a ConfigMap of the driver's namespace, written when something has changed, and once an hour in case somebody else has changed it, and
/// so that its age tells whether anybody still writes it. It goes with the node. A ConfigMap rather than annotations of the node, which only those may write who may
/// also taint it or move it to another topology.
/// </summary>
internal sealed class PoolPublisher(
    ClusterApi api, PoolSummary summary, PoolSet pools, ClusterStanding standing, LaminaOptions options, TimeProvider time, ILogger<PoolPublisher> logger) : BackgroundService
{
    /// <summary>The line that tells when it was written. No pool has such a name.</summary>
    internal const string AsOf = "asOf";

    private static readonly TimeSpan Anyway = TimeSpan.FromHours(1);
    private SortedDictionary<string, string> _shown = new(StringComparer.Ordinal);
    private long? _at;
    private bool _isFailing;

    /// <summary>Its name. Of two drivers on a node each has one.</summary>
    internal static string NameOf(LaminaOptions options)
    {
        var driver = options.DriverName == new LaminaOptions().DriverName ? "lamina" : options.DriverName;
        return $"{driver}-pools-{options.NodeName}".Replace('_', '-').ToLowerInvariant();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var backoff = new Backoff(time);
        while (true)
        {
            var wait = options.Cluster.Interval;
            try
            {
                if (pools.IsReady)
                    await ShowAsync(stoppingToken);
                _isFailing = false;
                backoff.Reset();
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                standing.Failed();
                var failure = ClusterFailure.Of(e);
                Log(e, failure);
                wait = backoff.Next(failure?.RetryAfter);
            }
            await Task.Delay(wait, time, stoppingToken);
        }
    }

    private async Task ShowAsync(CancellationToken cancellationToken)
    {
        var lines = summary.Look();
        if (_at is { } at && time.GetElapsedTime(at) < Anyway && lines.SequenceEqual(_shown))
            return;
        // Asked for each time: another node may have come under its name.
        var node = await api.FindNodeUidAsync(options.NodeName, cancellationToken);
        var map = new V1ConfigMap
        {
            Metadata = new V1ObjectMeta
            {
                Name = NameOf(options),
                Labels = new Dictionary<string, string> { ["app.kubernetes.io/name"] = "lamina", ["app.kubernetes.io/component"] = "pools", ["topology.lamina.dev/node"] = options.NodeName },
                OwnerReferences = node is null ? null : [new V1OwnerReference { ApiVersion = "v1", Kind = "Node", Name = options.NodeName, Uid = node }],
            },
            Data = new Dictionary<string, string>(lines) { [AsOf] = time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture) },
        };
        await api.PutConfigMapAsync(map, cancellationToken);
        (_shown, _at) = (lines, time.GetTimestamp());
    }

    private void Log(Exception exception, ClusterFailure? failure)
    {
        if (failure is null)
            logger.Unforeseen("showing the node's pools", exception);
        else if (_isFailing)
            logger.TriedAgain("showing the node's pools", failure.Reason);
        else
            logger.PoolsNotShown(failure.Reason);
        _isFailing = true;
    }
}
