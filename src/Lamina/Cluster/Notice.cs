namespace Lamina.Cluster;

/// <summary>Something that a person should see beside an object of the cluster. All of them are warnings.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Subject">The object where a person would look.</param>
/// <param name="About">What of it, where one object may have several at once: a pool's name, a volume's id.</param>
/// <param name="Message">What happened and what helps.</param>
/// <param name="At">When.</param>
internal sealed record Notice(NoticeReason Reason, ClusterObject Subject, string About, string Message, DateTimeOffset At);
