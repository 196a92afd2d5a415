using System.Text.Json.Nodes;
using k8s.Models;
using Lamina.Hosting;

namespace Lamina.Cluster;

/// <summary>
/// Makes events of notices, one after the other and at a bounded pace. What the API server can't take now is tried again for an hour: after a few times only
/// now and then, so that it keeps no others waiting, unless the server does not answer at all. What it refuses is let go. What is repeated soon after is counted, and
/// sent when it has been quiet for a while.
/// </summary>
internal sealed class NoticeSender(
    ClusterApi api, ClusterNotices notices, ClusterStanding standing, LaminaOptions options, TimeProvider time, ILogger<NoticeSender> logger) : BackgroundService
{
    private const string Component = "lamina";
    private const int MaxMessage = 1000;
    private const int TriesAtOnce = 3;
    private static readonly TimeSpan WorthTelling = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongestQuiet = TimeSpan.FromMinutes(1);
    private readonly Pace _pace = new(25, TimeSpan.FromSeconds(2), time);
    private readonly ToldEvents _told = new(options.Cluster.Interval * 2 < LongestQuiet ? options.Cluster.Interval * 2 : LongestQuiet, time);
    private readonly HeldNotices _held = new(time);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            // By turns: neither those that come nor those that come again can keep the others from their turn.
            var isIdle = true;
            if (_held.TryTakeDue(out var due))
            {
                isIdle = false;
                await SendAsync(due, stoppingToken);
            }
            if (notices.TryTake(out var notice))
            {
                isIdle = false;
                await TakeUpAsync(notice, stoppingToken);
            }
            if (isIdle)
                await WaitAsync(stoppingToken);
        }
    }

    private async Task TakeUpAsync(Notice notice, CancellationToken cancellationToken)
    {
        var key = EventKey.Of(notice);
        if (_held.TryAdd(key, notice))
            return;
        var held = new HeldNotice(key, notice, new Backoff(time));
        if (_told.WaitOf(key) is var quiet && quiet > TimeSpan.Zero)
            Hold(held, quiet);
        else
            await SendAsync(held, cancellationToken);
    }

    private void Hold(HeldNotice held, TimeSpan wait)
    {
        if (!_held.TryHold(held, wait))
            standing.Dropped();
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        if (_held.NextIn is not { } next)
        {
            await notices.WaitAsync(cancellationToken);
            return;
        }
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(notices.WaitAsync(either.Token), Task.Delay(next, time, either.Token));
        await either.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private async Task SendAsync(HeldNotice held, CancellationToken cancellationToken)
    {
        await _pace.WaitAsync(cancellationToken);
        while (true)
        {
            try
            {
                if (await TrySendAsync(held, cancellationToken))
                    standing.Sent();
                _told.Sent(held.Key);
                return;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                standing.Failed();
                if (MayBeTriedAgain(e, held.Notice) is not { } failure)
                    return;
                logger.TriedAgain("an event", failure.Reason);
                var wait = held.Backoff.Next(failure.RetryAfter);
                // Whoever gets no answer would get none for the others either.
                if (failure.Code is not null && ++held.Refusals >= TriesAtOnce)
                {
                    Hold(held, wait);
                    return;
                }
                await Task.Delay(wait, time, cancellationToken);
            }
        }
    }

    // Null: it is let go.
    private ClusterFailure? MayBeTriedAgain(Exception exception, Notice notice)
    {
        var failure = ClusterFailure.Of(exception);
        if (failure is { MayPass: true })
        {
            if (time.GetUtcNow() - notice.At <= WorthTelling)
                return failure;
            standing.Dropped();
            return null;
        }
        if (failure is null)
            logger.Unforeseen("an event", exception);
        else
            logger.EventRefused(notice.Reason, notice.Subject, failure.Reason);
        standing.Refused();
        return null;
    }

    // False: whom it is about is gone, and there is nobody to be told.
    private async Task<bool> TrySendAsync(HeldNotice held, CancellationToken cancellationToken)
    {
        var (notice, key) = (held.Notice, held.Key);
        var uid = notice.Subject.Uid ?? await api.FindUidAsync(notice.Subject, cancellationToken);
        if (uid is null)
            return false;
        var name = key.NameOf(uid, options.DriverName);
        var made = EventOf(notice, key, name, uid, held.Count);
        // It may go between one request and the next, as events do after an hour.
        for (var left = 3; ; left--)
        {
            if (await api.TryCreateEventAsync(made, cancellationToken))
                return true;
            var change = new JsonObject { ["message"] = made.Message, ["lastTimestamp"] = made.LastTimestamp!.Value.ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture) };
            if (await api.TryPatchEventAsync(key.Namespace, name, change, cancellationToken) is { } known)
            {
                await api.TryPatchEventAsync(key.Namespace, name, new JsonObject { ["count"] = (known.Count ?? 1) + held.Count }, cancellationToken);
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
