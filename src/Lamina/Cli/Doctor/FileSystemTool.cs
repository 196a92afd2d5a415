using System.Collections.Immutable;

namespace Lamina.Cli.Doctor;

/// <summary>A program that filesystems in images need.</summary>
/// <param name="Name">The program.</param>
/// <param name="Package">Debian's package that has it.</param>
/// <param name="Use">Who needs it.</param>
internal sealed record FileSystemTool(string Name, string Package, string Use)
{
    private const string NewVolumes = "volumes with a filesystem of that type need it to be made";
    private const string Copies = "snapshots of volumes with an ext4 of their own need it to be restored";

    /// <summary>All of them.</summary>
    internal static ImmutableArray<FileSystemTool> All { get; } =
    [
        new("mkfs.btrfs", "btrfs-progs", $"{NewVolumes}, and so does lamina pool init --backend btrfs --image"),
        new("mkfs.xfs", "xfsprogs", NewVolumes),
        new("mkfs.ext4", "e2fsprogs", NewVolumes),
        new("e2fsck", "e2fsprogs", Copies),
        new("tune2fs", "e2fsprogs", Copies),
        new("resize2fs", "e2fsprogs", "volumes with an ext4 of their own need it to be expanded"),
    ];
}
