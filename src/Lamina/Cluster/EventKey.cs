using System.Security.Cryptography;
using System.Text;

namespace Lamina.Cluster;

/// <summary>
/// What makes two notices the same event, which is counted instead of made twice. The event's name comes from it, so that a daemon that starts anew counts on
/// where the one before stopped, and no number of restarts makes more events.
/// </summary>
/// <param name="Subject">Whom it is about, whether its uid is known or not.</param>
/// <param name="Reason">Why.</param>
/// <param name="About">What of it.</param>
internal sealed record EventKey(ClusterObject Subject, NoticeReason Reason, string About)
{
    private const int MaxSubject = 200;

    internal static EventKey Of(Notice notice) => new(notice.Subject with { Uid = null }, notice.Reason, notice.About);

    /// <summary>Events of what has no namespace of its own lie here.</summary>
    internal string Namespace => Subject.Namespace ?? "default";

    /// <summary>The event's name.</summary>
    /// <param name="uid">The subject's: another object of the same name has events of its own.</param>
    /// <param name="driver">Who tells it: of two drivers on a node each has events of its own.</param>
    internal string NameOf(string? uid, string driver)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{driver}\n{Subject}\n{uid}\n{Reason}\n{About}")).AsSpan(0, 8));
        // What it is cut down to must be a name still.
        return $"{(Subject.Name.Length > MaxSubject ? Subject.Name[..MaxSubject].TrimEnd('-', '.') : Subject.Name)}.{hash}";
    }
}
