namespace Lamina.Linux;

/// <summary>What a name stands for. See inode(7).</summary>
public enum FileKind
{
    /// <summary>Not said.</summary>
    Unknown,
    /// <summary>A regular file.</summary>
    Regular,
    /// <summary>A directory.</summary>
    Directory,
    /// <summary>A symbolic link.</summary>
    SymbolicLink,
    /// <summary>A character device; on overlay uppers with device 0:0 a whiteout.</summary>
    CharacterDevice,
    /// <summary>A block device.</summary>
    BlockDevice,
    /// <summary>A named pipe.</summary>
    Fifo,
    /// <summary>A Unix socket.</summary>
    Socket,
}
