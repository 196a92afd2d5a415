namespace Lamina.Cluster;

/// <summary>States that are told when they begin, and not again before they have ended. For one caller at a time.</summary>
internal sealed class Episodes
{
    private readonly HashSet<(NoticeReason Reason, string About)> _under = [];

    /// <summary>Takes notice of how things are.</summary>
    /// <param name="reason">The state.</param>
    /// <param name="about">Whose.</param>
    /// <param name="isSo">Whether it is so; null: neither clearly so nor clearly not, and what was goes on.</param>
    /// <param name="tell">Tells it; false when that was not possible, and it is tried again.</param>
    internal void See(NoticeReason reason, string about, bool? isSo, Func<bool> tell)
    {
        if (isSo == false)
            _under.Remove((reason, about));
        else if (isSo == true && !_under.Contains((reason, about)) && tell())
            _under.Add((reason, about));
    }

    /// <summary>Lets go of what is not there any more.</summary>
    internal void Keep(Func<string, bool> isThere) => _under.RemoveWhere(episode => !isThere(episode.About));
}
