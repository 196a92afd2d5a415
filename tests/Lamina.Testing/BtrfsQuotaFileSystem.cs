using Lamina.Linux;

namespace Lamina.Testing;

/// <summary>A scratch Btrfs with simple quotas.</summary>
public sealed class BtrfsQuotaFileSystem() : ScratchFileSystem(FileSystemKind.Btrfs, simpleQuotas: true);
