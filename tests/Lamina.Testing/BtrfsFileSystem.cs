using Lamina.Linux;

namespace Lamina.Testing;

/// <summary>A scratch Btrfs, without quotas.</summary>
public sealed class BtrfsFileSystem() : ScratchFileSystem(FileSystemKind.Btrfs);
