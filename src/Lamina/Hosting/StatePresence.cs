namespace Lamina.Hosting;

/// <summary>
/// Whether what a daemon may have kept in its state directory before can be seen now. A disk that is not mounted shows as an empty directory, its
/// mount point: whatever is made there would look like a fresh start, and the records on the disk like nothing that ever was.
/// </summary>
internal static class StatePresence
{
    /// <summary>
    /// Either there never was a state directory, and nothing above it looks like the mount point of a missing disk; or it holds what only a daemon
    /// writes, so it is the one that was there before.
    /// </summary>
    internal static bool IsCertain(string stateDirectory)
    {
        if (Directory.Exists(stateDirectory))
            return File.Exists(Path.Combine(stateDirectory, "forgotten-pools")) || HoldsAPool(Path.Combine(stateDirectory, "pools"));
        var above = Path.GetDirectoryName(stateDirectory);
        while (above is not null && !Directory.Exists(above))
            above = Path.GetDirectoryName(above);
        return above is not null && Directory.EnumerateFileSystemEntries(above).Any();
    }

    private static bool HoldsAPool(string directory) =>
        Directory.Exists(directory) && Directory.EnumerateDirectories(directory).Any(Storage.Pools.PoolOpener.IsMade);
}
