namespace Lamina.Linux;

/// <summary>One mount, asked for by itself.</summary>
public sealed record MountDetails
{
    /// <summary>As <see cref="FileStatus.MountId"/>.</summary>
    public required ulong Id { get; init; }

    /// <summary>Where it is attached; empty while it is detached.</summary>
    public required string MountPoint { get; init; }

    /// <summary>Which directory of the filesystem is mounted.</summary>
    public required string Root { get; init; }

    /// <summary>As in /proc/filesystems.</summary>
    public required string FileSystemType { get; init; }

    /// <summary>The properties of the mount.</summary>
    public required MountAttributes Attributes { get; init; }

    /// <summary>The filesystem's device number. See <see cref="DeviceNumber"/>.</summary>
    public required ulong Device { get; init; }
}
