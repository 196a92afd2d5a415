using System.Text.Json.Nodes;
using k8s.Models;
using Lamina.Hosting;

namespace Lamina.Cluster;

/// <summary>
/// Makes events of notices, one after the other and at a bounded pace. What the API server can't take now is tried again for an hour, while others wait in the
/// bounded queue; what it refuses is let go.
/// </summary>
internal sealed class NoticeSender(
    ClusterApi api, ClusterNotices notices, ClusterStanding standing, LaminaOptions options, TimeProvider time, ILogger<NoticeSender> logger) : BackgroundService
{
    private const string Component = "lamina";
    private const int MaxMessage = 1000;
    private static readonly TimeSpan WorthTelling = TimeSpan.FromHours(1);
    private readonly Pace _pace = new(25, TimeSpan.FromSeconds(2), time);
    private readonly ToldEvents _told = new(time);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var notice in notices.ReadAllAsync(stoppingToken))
        {
            var key = EventKey.Of(notice);
            if (_told.Count(key) is not (> 0 and var count))
                continue;
            await _pace.WaitAsync(stoppingToken);
            if (await SendAsync(notice, key, count, stoppingToken))
                _told.Sent(key);
        }
    }

    private async Task<bool> SendAsync(Notice notice, EventKey key, int count, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(time);
        while (true)
        {
            try
            {
                if (await TrySendAsync(notice, key, count, cancellationToken))
                    standing.Sent();
                return true;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                standing.Failed();
                var failure = ClusterFailure.Of(e);
                if (failure is not { MayPass: true })
                {
                    if (failure is null)
                        logger.Unforeseen("an event", e);
                    else
                        logger.EventRefused(notice.Reason, notice.Subject, failure.Reason);
                    standing.Refused();
                    return false;
                }
                if (time.GetUtcNow() - notice.At > WorthTelling)
                {
                    standing.Dropped();
                    return false;
                }
                logger.TriedAgain("an event", failure.Reason);
                await backoff.WaitAsync(failure.RetryAfter, cancellationToken);
            }
        }
    }

    // False: whom it is about is gone, and there is nobody to be told.
    private async Task<bool> TrySendAsync(Notice notice, EventKey key, int count, CancellationToken cancellationToken)
    {
        var uid = notice.Subject.Uid ?? await api.FindUidAsync(notice.Subject, cancellationToken);
        if (uid is null)
            return false;
        var name = key.NameOf(uid);
        var made = EventOf(notice, key, name, uid, count);
        // It may go between one request and the next, as events do after an hour.
        for (var left = 3; ; left--)
        {
            if (await api.TryCreateEventAsync(made, cancellationToken))
                return true;
            var change = new JsonObject { ["message"] = made.Message, ["lastTimestamp"] = made.LastTimestamp!.Value.ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture) };
            if (await api.TryPatchEventAsync(key.Namespace, name, change, cancellationToken) is { } known)
            {
                await api.TryPatchEventAsync(key.Namespace, name, new JsonObject { ["count"] = (known.Count ?? 1) + count }, cancellationToken);
                return true;
            }
            if (left == 0)
                throw new IOException($"the event {name} is there when it is made, and is not when it is changed");
        }
    }

    private Corev1Event EventOf(Notice notice, EventKey key, string name, string uid, int count) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = key.Namespace },
        InvolvedObject = new V1ObjectReference
        {
            ApiVersion = notice.Subject.ApiVersion, Kind = notice.Subject.Kind, Name = notice.Subject.Name, NamespaceProperty = notice.Subject.Namespace, Uid = uid,
        },
        Type = "Warning",
        Reason = notice.Reason.ToString(),
        Message = notice.Message.Length > MaxMessage ? notice.Message[..MaxMessage] + "…" : notice.Message,
        Count = count,
        FirstTimestamp = notice.At.UtcDateTime,
        LastTimestamp = notice.At.UtcDateTime,
        Source = new V1EventSource { Component = Component, Host = options.NodeName },
        ReportingComponent = options.DriverName,
        ReportingInstance = options.NodeName,
    };
}
