namespace Lamina.Linux;

/// <summary>What is special about an extent. See the kernel's Documentation/filesystems/fiemap.rst.</summary>
[Flags]
public enum PhysicalExtentFlags : uint
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>The last one of the file.</summary>
    Last = 0x1,
    /// <summary>It is not known where it lies.</summary>
    UnknownLocation = 0x2,
    /// <summary>Not written yet, so nowhere.</summary>
    Delayed = 0x4,
    /// <summary>Compressed or otherwise packed: the place is not that of the bytes.</summary>
    Encoded = 0x8,
    /// <summary>Encrypted.</summary>
    Encrypted = 0x80,
    /// <summary>Not on block boundaries.</summary>
    NotAligned = 0x100,
    /// <summary>Within metadata.</summary>
    Inline = 0x200,
    /// <summary>Packed together with ends of other files.</summary>
    Tail = 0x400,
    /// <summary>Allocated but never written: reads as zeros.</summary>
    Unwritten = 0x800,
    /// <summary>The filesystem has no extents, and put blocks together.</summary>
    Merged = 0x1000,
    /// <summary>Shared with other files or snapshots.</summary>
    Shared = 0x2000,
}
