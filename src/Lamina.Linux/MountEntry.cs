using System.Globalization;

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

    /// <summary>The number of the group of mounts, here and in other namespaces, that each hand on to all others what is mounted on them; null: none.</summary>
    public int? PeerGroup => Tagged("shared:");

    /// <summary>Whether it takes what is mounted on others and hands nothing back to them.</summary>
    public bool IsSlave => Tagged("master:") is not null;

    private int? Tagged(string tag) =>
        OptionalFields.FirstOrDefault(field => field.StartsWith(tag, StringComparison.Ordinal)) is { } field ? int.Parse(field.AsSpan(tag.Length), CultureInfo.InvariantCulture) : null;

    private static bool Has(string options, string option) => options.Split(',').Contains(option);
}
