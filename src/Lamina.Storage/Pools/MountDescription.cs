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
}
