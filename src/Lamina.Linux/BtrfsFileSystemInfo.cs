namespace Lamina.Linux;

/// <summary>A mounted Btrfs filesystem.</summary>
/// <param name="Id">Its fsid, as it stands under /sys/fs/btrfs.</param>
/// <param name="NodeSize">The size of a metadata block, in bytes.</param>
/// <param name="SectorSize">The size of a data block, in bytes: reflinks are aligned to it.</param>
/// <param name="Devices">Its devices.</param>
public sealed record BtrfsFileSystemInfo(Guid Id, uint NodeSize, uint SectorSize, IReadOnlyList<BtrfsDevice> Devices);
