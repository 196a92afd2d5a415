using Lamina.Linux;

namespace Lamina.Storage;

/// <summary>The bytes of a volume.</summary>
/// <param name="Total">Its size; that of the filesystem that it shares for a volume without one, and where nothing is known of what it uses.</param>
/// <param name="Available">What can still be written.</param>
/// <param name="Used">What its files take; where the kernel enforces the size, what is taken of that.</param>
public sealed record VolumeSpace(ByteSize Total, ByteSize Available, ByteSize Used)
{
    /// <summary>That of a volume which is a filesystem of its own.</summary>
    public static VolumeSpace Of(FileSystemStatus own) => new(new ByteSize((long)own.TotalBytes), new ByteSize((long)own.AvailableBytes), new ByteSize((long)(own.TotalBytes - own.FreeBytes)));
}
