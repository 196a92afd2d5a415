namespace Lamina.Linux;

/// <summary>A name in a directory.</summary>
/// <param name="Name">
/// The name. Bytes that are not UTF-8 stand as U+DC80 to U+DCFF, and every call of this library takes them back so.
/// </param>
/// <param name="Inode">The inode number that the directory holds; below a mount that of the place, not of what is mounted there.</param>
/// <param name="Kind">What the name stands for.</param>
public readonly record struct DirectoryEntry(string Name, ulong Inode, FileKind Kind);
