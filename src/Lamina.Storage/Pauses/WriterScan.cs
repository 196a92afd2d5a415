namespace Lamina.Storage.Pauses;

/// <summary>What a look at all processes has found.</summary>
/// <param name="Writers">The processes that may write to the volumes, but for those that were known to be stopped by us.</param>
/// <param name="Untouchable">Processes that write to the volumes and must never be stopped.</param>
/// <param name="MappedFiles">The files of the volumes that somebody stores into through memory: device and inode, as a look through the mount tells them.</param>
internal sealed record WriterScan(
    IReadOnlyList<Writer> Writers, IReadOnlyList<Writer> Untouchable, IReadOnlySet<(ulong Device, ulong Inode)> MappedFiles)
{
    /// <summary>Nobody was looked at yet.</summary>
    internal static readonly WriterScan Nothing = new([], [], new HashSet<(ulong, ulong)>());
}
