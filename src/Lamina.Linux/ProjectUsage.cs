namespace Lamina.Linux;

/// <summary>What a project uses and may use.</summary>
/// <param name="Bytes">Space in use.</param>
/// <param name="Inodes">Files in use, directories included.</param>
/// <param name="ByteLimit">The most space; null: no limit.</param>
/// <param name="InodeLimit">The most files; null: no limit.</param>
public readonly record struct ProjectUsage(ulong Bytes, ulong Inodes, ulong? ByteLimit, ulong? InodeLimit);
