namespace Lamina.Linux;

/// <summary>
/// How a file is opened. Close-on-exec is always added. The values are those of x86_64; where another architecture has others they are
/// translated on the way to the kernel. See open(2).
/// </summary>
[Flags]
public enum OpenFlags
{
    /// <summary>For reading.</summary>
    ReadOnly = 0,
    /// <summary>For writing.</summary>
    WriteOnly = 1,
    /// <summary>For both.</summary>
    ReadWrite = 2,
    /// <summary>Make the file if there is none.</summary>
    Create = 0x40,
    /// <summary>With <see cref="Create"/>: fail with EEXIST if there is one. On a block device: fail with EBUSY if it is mounted.</summary>
    Exclusive = 0x80,
    /// <summary>Cut the file to nothing.</summary>
    Truncate = 0x200,
    /// <summary>Every write goes to the end.</summary>
    Append = 0x400,
    /// <summary>Never wait: a FIFO opens at once.</summary>
    NonBlock = 0x800,
    /// <summary>Past the page cache; offsets, lengths and memory must be aligned.</summary>
    Direct = 0x4000,
    /// <summary>Only a directory (ENOTDIR).</summary>
    Directory = 0x10000,
    /// <summary>Not through a symbolic link in the last component (ELOOP).</summary>
    NoFollow = 0x20000,
    /// <summary>Reading leaves the access time alone.</summary>
    NoAtime = 0x40000,
    /// <summary>The place only, not its content. Opens anything without side effects.</summary>
    Path = 0x200000,
    /// <summary>A file without a name in the directory that is named.</summary>
    TmpFile = 0x400000 | Directory,
}
