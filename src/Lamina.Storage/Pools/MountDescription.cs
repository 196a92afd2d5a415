using System.Collections.Immutable;
using Lamina.Linux;

namespace Lamina.Storage.Pools;

/// <summary>What has to be mounted to use a volume. A backend returns it; the <see cref="Attachments.AttachmentService"/> performs it.</summary>
public abstract record MountDescription
{
    private MountDescription()
    {
    }

    /// <summary>Mounts it at a directory.</summary>
    /// <exception cref="LinuxException">As the kernel says.</exception>
    public abstract void MountAt(string target);

    /// <summary>An overlay mount of one writable layer over sealed ones.</summary>
    /// <param name="Upper">The writable layer.</param>
    /// <param name="Work">Overlayfs' work directory beside it.</param>
    /// <param name="Lowers">The sealed layers, topmost first; at least one.</param>
    public sealed record Overlay(string Upper, string Work, ImmutableArray<string> Lowers) : MountDescription
    {
        /// <inheritdoc/>
        public override void MountAt(string target) => Mounts.MountOverlay(
            new OverlayOptions { LowerDirectories = Lowers, UpperDirectory = Upper, WorkDirectory = Work }, target, MountAttributes.None);
    }

    /// <summary>A bind mount of a directory.</summary>
    /// <param name="Root">A directory that only the administrator can change.</param>
    /// <param name="Path">The directory to bind, relative to it; resolved beneath it and through no symbolic link.</param>
    public sealed record Bind(string Root, string Path) : MountDescription
    {
        /// <inheritdoc/>
        public override void MountAt(string target)
        {
            using var root = Files.OpenDirectory(Root);
            using var source = Files.OpenResolved(root, Path, OpenFlags.Path | OpenFlags.Directory, ResolveFlags.Beneath | ResolveFlags.NoSymlinks);
            using var tree = Mounts.CloneTree(source);
            Mounts.Attach(tree, target);
        }
    }
}
