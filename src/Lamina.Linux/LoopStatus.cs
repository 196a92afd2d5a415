namespace Lamina.Linux;

/// <summary>A loop device that is in use. See loop(4).</summary>
public sealed record LoopStatus
{
    /// <summary>N of /dev/loopN.</summary>
    public required int Number { get; init; }

    /// <summary>/dev/loopN.</summary>
    public required string Path { get; init; }

    /// <summary>The file behind it as the kernel has it now; " (deleted)" at the end when it has no name any more.</summary>
    public required string BackingFile { get; init; }

    /// <summary>The device number of the filesystem that the file is on, as <see cref="FileStatus.Device"/> has it.</summary>
    public required ulong BackingDevice { get; init; }

    /// <summary>The file's inode.</summary>
    public required ulong BackingInode { get; init; }

    /// <summary>Where in the file it begins, in bytes.</summary>
    public required ulong Offset { get; init; }

    /// <summary>How much of the file it shows from there, in bytes; 0: all.</summary>
    public required ulong SizeLimit { get; init; }

    /// <summary>Whether it can't be written.</summary>
    public required bool IsReadOnly { get; init; }

    /// <summary>Whether it is detached when nobody has it open any more.</summary>
    public required bool AutoClear { get; init; }

    /// <summary>Whether it goes past the page cache to the file.</summary>
    public required bool IsDirect { get; init; }

    /// <summary>Whether it shows the whole file, and can be written. One that somebody else made may not.</summary>
    public bool IsWhole => this is { Offset: 0, SizeLimit: 0, IsReadOnly: false };
}
