using System.Collections.Immutable;

namespace Lamina.Storage.Pools;

/// <summary>What has to be mounted to use a volume. A backend returns it; the <see cref="Attachments.AttachmentService"/> performs it.</summary>
public abstract record MountDescription
{
    private MountDescription()
    {
    }

    /// <summary>An overlay mount of one writable layer over sealed ones.</summary>
    /// <param name="Upper">The writable layer.</param>
    /// <param name="Work">Overlayfs' work directory beside it.</param>
    /// <param name="Lowers">The sealed layers, topmost first; at least one.</param>
    public sealed record Overlay(string Upper, string Work, ImmutableArray<string> Lowers) : MountDescription;

    /// <summary>A bind mount of a directory.</summary>
    /// <param name="Root">A directory that only the administrator can change.</param>
    /// <param name="Path">The directory to bind, relative to it; resolved beneath it and through no symbolic link.</param>
    public sealed record Bind(string Root, string Path) : MountDescription;

    /// <summary>An image file as a loop device: mounted, or the device itself.</summary>
    /// <param name="Root">A directory that only the administrator can change.</param>
    /// <param name="Path">The image, relative to it; resolved beneath it and through no symbolic link.</param>
    /// <param name="FileSystem">The filesystem in it; null: the device is wanted raw.</param>
    /// <param name="Size">How large the filesystem is to be; it is grown when it is smaller.</param>
    public sealed record Image(string Root, string Path, VolumeFileSystem? FileSystem, ByteSize Size) : MountDescription;
}
