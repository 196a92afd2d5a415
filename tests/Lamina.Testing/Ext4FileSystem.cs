using Lamina.Linux;

namespace Lamina.Testing;

/// <summary>A scratch ext4.</summary>
public sealed class Ext4FileSystem() : ScratchFileSystem(FileSystemKind.Ext4);
