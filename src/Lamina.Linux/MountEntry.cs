namespace Lamina.Linux;

/// <summary>One line of a mount table. See proc_pid_mountinfo(5).</summary>
/// <param name="Id">The mount's number, used again after it is gone.</param>
/// <param name="ParentId">The mount that this one is attached to; its own number or one that is not in the table at the top.</param>
/// <param name="Major">The driver's half of the filesystem's device number.</param>
/// <param name="Minor">The device's half.</param>
/// <param name="Root">Which directory of the filesystem is mounted.</param>
/// <param name="MountPoint">
/// Where, relative to the root of the process that reads; " (deleted)" or "//deleted" at the end where that is gone.
/// </param>
/// <param name="Options">Properties of the mount: <c>rw,nosuid</c>.</param>
/// <param name="OptionalFields">Propagation: <c>shared:1</c>, <c>master:2</c>.</param>
/// <param name="FileSystemType">As in /proc/filesystems; FUSE with a subtype.</param>
/// <param name="Source">The device, or what the mount was given; empty if that was empty.</param>
/// <param name="SuperOptions">Options of the filesystem, still escaped where a value holds a comma.</param>
public sealed record MountEntry(
    int Id,
    int ParentId,
    uint Major,
    uint Minor,
    string Root,
    string MountPoint,
    string Options,
    IReadOnlyList<string> OptionalFields,
    string FileSystemType,
    string Source,
    string SuperOptions)
{
    /// <summary>
    /// The filesystem's device number as <see cref="FileStatus.Device"/> has it (but for Btrfs, whose subvolumes have their own there).
    /// </summary>
    public ulong Device => DeviceNumber.Make(Major, Minor);

    /// <summary>Whether nothing can be written here, because of the mount or of the filesystem.</summary>
    public bool IsReadOnly => Has(Options, "ro") || Has(SuperOptions, "ro");

    private static bool Has(string options, string option) => options.Split(',').Contains(option);
}
