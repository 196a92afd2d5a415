using System.Security.Cryptography;

namespace Lamina.Cluster;

/// <summary>
/// States that are told when they begin, and again now and then while they last: an API server forgets an event after an hour, and what was told may have been
/// lost on its way. For one caller at a time.
/// </summary>
internal sealed class Episodes(TimeProvider time)
{
    // Within the hour, and by chance, so that what began at one moment on all nodes is not told again at one moment.
    private const int LeastSeconds = 30 * 60;
    private const int MostSeconds = 45 * 60;
    private readonly Dictionary<(NoticeReason Reason, string About), (long Told, TimeSpan Wait)> _under = [];

    /// <summary>Takes notice of how things are.</summary>
    /// <param name="reason">The state.</param>
    /// <param name="about">Whose.</param>
    /// <param name="isSo">Whether it is so; null: neither clearly so nor clearly not, and what was goes on.</param>
    /// <param name="tell">Tells it; false when that was not possible, and it is tried again.</param>
    internal void See(NoticeReason reason, string about, bool? isSo, Func<bool> tell)
    {
        if (isSo == false)
            _under.Remove((reason, about));
        else if (isSo == true && IsDue(reason, about) && tell())
            Told([(reason, about)]);
    }

    /// <summary>Whether it is to be told now: for the first time, or again.</summary>
    internal bool IsDue(NoticeReason reason, string about) => !_under.TryGetValue((reason, about), out var last) || time.GetElapsedTime(last.Told) >= last.Wait;

    /// <summary>It was told, all of it at once, and is told again at one time.</summary>
    internal void Told(IEnumerable<(NoticeReason Reason, string About)> episodes)
    {
        var last = (time.GetTimestamp(), TimeSpan.FromSeconds(RandomNumberGenerator.GetInt32(LeastSeconds, MostSeconds)));
        foreach (var episode in episodes)
            _under[episode] = last;
    }

    /// <summary>Lets go of what is not there any more.</summary>
    internal void Keep(Func<string, bool> isThere) => Keep((_, about) => isThere(about));

    /// <summary>Lets go of what is not so any more.</summary>
    internal void Keep(Func<NoticeReason, string, bool> isSo)
    {
        foreach (var over in _under.Keys.Where(episode => !isSo(episode.Reason, episode.About)).ToList())
            _under.Remove(over);
    }
}
