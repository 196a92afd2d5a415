namespace Lamina.Linux;

/// <summary>A file, or a part of one, in the memory of a process. See proc_pid_maps(5).</summary>
/// <param name="Start">The first address.</param>
/// <param name="End">The address after the last.</param>
/// <param name="IsWritable">Whether the process may store into it now.</param>
/// <param name="IsShared">Whether what it stores goes to the file.</param>
/// <param name="Device">The file's device number, as <see cref="MountEntry.Device"/> has it; on Btrfs not that of stat(2).</param>
/// <param name="Inode">The file's inode.</param>
/// <param name="Path">The file's path; " (deleted)" at the end of one without a name.</param>
public readonly record struct ProcessMapping(
    ulong Start, ulong End, bool IsWritable, bool IsShared, ulong Device, ulong Inode, string Path);
