using Lamina.Linux;

namespace Lamina.Testing;

/// <summary>A scratch XFS, with reflinks.</summary>
public sealed class XfsFileSystem() : ScratchFileSystem(FileSystemKind.Xfs);
