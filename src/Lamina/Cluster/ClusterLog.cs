namespace Lamina.Cluster;

/// <summary>Messages about the cluster.</summary>
internal static partial class ClusterLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "The cluster is told of this node: its pools in namespace {Namespace}, events of its volumes; {Count} PersistentVolumes are of its pools")]
    public static partial void Listed(this ILogger logger, string @namespace, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The API server can't be asked for PersistentVolumes, and is asked again; volumes are served as ever: {Reason}")]
    public static partial void OutOfReach(this ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The API server answers again")]
    public static partial void BackInReach(this ILogger logger);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{What} failed, and is tried again: {Reason}")]
    public static partial void TriedAgain(this ILogger logger, string what, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The API server does not take an event of {Subject} ({Event}): {Reason}")]
    public static partial void EventRefused(this ILogger logger, NoticeReason @event, ClusterObject subject, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The node's pools can't be shown in the cluster, and it is tried again: {Reason}")]
    public static partial void PoolsNotShown(this ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Volume {Volume} is named by no PersistentVolume; it is kept. If nobody needs it: lamina volume rm --any-door {Volume}")]
    public static partial void VolumeOrphaned(this ILogger logger, string volume);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The volume of PersistentVolume {PersistentVolume} is gone")]
    public static partial void VolumeMissing(this ILogger logger, string persistentVolume);

    [LoggerMessage(Level = LogLevel.Error, Message = "{What} of the cluster failed in a way that nobody foresaw; it goes on")]
    public static partial void Unforeseen(this ILogger logger, string what, Exception failure);
}
