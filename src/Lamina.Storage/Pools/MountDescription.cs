using System.Collections.Immutable;
using Lamina.Linux;
using Lamina.Storage.Pools.Images;
using Lamina.Storage.Pools.Zfs;

namespace Lamina.Storage.Pools;

/// <summary>What has to be mounted to use a volume. A backend returns it; the <see cref="Attachments.AttachmentService"/> performs it.</summary>
public abstract record MountDescription
{
    private MountDescription()
    {
    }

    /// <summary>Whether it is the node of a device, which is mounted at a file; all else is mounted at a directory.</summary>
    public virtual bool IsDevice => false;

    /// <summary>Mounts it at a directory, or a file for a device.</summary>
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

    /// <summary>A dataset of a ZFS, which is mounted by ZFS itself.</summary>
    internal sealed record Dataset : MountDescription
    {
        private readonly ZfsCommand _zfs;
        private readonly ZfsEdge _edge;
        private readonly string _name;

        internal Dataset(ZfsCommand zfs, ZfsEdge edge, string name)
        {
            _zfs = zfs;
            _edge = edge;
            _name = name;
        }

        /// <inheritdoc/>
        public override void MountAt(string target) =>
            _edge.RunAsync($"mount '{_name}'", () => _zfs.MountAsync(_name, target)).GetAwaiter().GetResult();
    }

    /// <summary>A volume of a ZFS that is a block device: mounted, or the device itself.</summary>
    /// <param name="Name">What ZFS calls it.</param>
    /// <param name="FileSystem">The filesystem on it; null: the device is wanted raw.</param>
    /// <param name="Size">How large the filesystem is to be; it is grown when it is smaller.</param>
    internal sealed record Zvol(string Name, VolumeFileSystem? FileSystem, ByteSize Size) : MountDescription
    {
        /// <inheritdoc/>
        public override bool IsDevice => FileSystem is null;

        /// <inheritdoc/>
        public override void MountAt(string target) => ZvolMounts.Mount(this, target);
    }

    /// <summary>An image file as a loop device: mounted, or the device itself.</summary>
    /// <param name="Root">A directory that only the administrator can change.</param>
    /// <param name="Path">The image, relative to it; resolved beneath it and through no symbolic link.</param>
    /// <param name="FileSystem">The filesystem in it; null: the device is wanted raw.</param>
    /// <param name="Size">How large the filesystem is to be; it is grown when it is smaller.</param>
    public sealed record Image(string Root, string Path, VolumeFileSystem? FileSystem, ByteSize Size) : MountDescription
    {
        /// <inheritdoc/>
        public override bool IsDevice => FileSystem is null;

        /// <inheritdoc/>
        public override void MountAt(string target) => ImageMounts.Mount(this, target);
    }
}
