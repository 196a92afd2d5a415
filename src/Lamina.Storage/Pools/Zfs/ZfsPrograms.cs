namespace Lamina.Storage.Pools.Zfs;

/// <summary>Where the commands are: names to be found in PATH and the system's directories, or paths.</summary>
/// <param name="Zfs">What works on datasets.</param>
/// <param name="Zpool">What works on the pools beneath them.</param>
public sealed record ZfsPrograms(string Zfs = "zfs", string Zpool = "zpool");
