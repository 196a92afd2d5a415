using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Testing;

/// <summary>
/// A disk of its own for a test: a sparse image under the scratch root, a loop device on it, a filesystem in it, mounted. In the end all
/// that is mounted beneath goes, the device is detached and the image deleted.
/// </summary>
public sealed class LoopDisk : IDisposable, IAsyncDisposable
{
    /// <summary>In bytes: enough for Btrfs with its reserves, and for ten copies of an image with an XFS, whose log alone takes 64 MiB.</summary>
    public const long DefaultSize = 1L << 30;

    private readonly LoopDevice _device;
    private SafeFileHandle? _root;
    private bool _disposed;

    private LoopDisk(FileSystemKind kind, string imagePath, string mountPoint, LoopDevice device)
    {
        Kind = kind;
        ImagePath = imagePath;
        MountPoint = mountPoint;
        _device = device;
    }

    /// <summary>Which filesystem is on it.</summary>
    public FileSystemKind Kind { get; }

    /// <summary>The image.</summary>
    public string ImagePath { get; }

    /// <summary>/dev/loopN.</summary>
    public string DevicePath => _device.Path;

    /// <summary>Where it is mounted.</summary>
    public string MountPoint { get; }

    /// <summary>The root directory, open. The disk's own: don't close it.</summary>
    public SafeFileHandle Root => _root ??= Files.OpenDirectory(MountPoint);

    /// <summary>Makes one and mounts it. Skips the test where that can't be; see <see cref="Requirements"/>.</summary>
    /// <param name="kind">Ext4, Xfs or Btrfs.</param>
    /// <param name="size">In bytes; sparse, so it costs little. XFS wants 300 MB.</param>
    /// <param name="simpleQuotas">Switch on Btrfs's simple quotas (6.7+).</param>
    /// <param name="projectQuotas">Mount ext4 or XFS with project quotas, which must be limits then.</param>
    /// <param name="formatOptions">More arguments for the tool that makes the filesystem.</param>
    /// <param name="cancellationToken">Stops the making.</param>
    public static async Task<LoopDisk> CreateAsync(
        FileSystemKind kind, long size = DefaultSize, bool simpleQuotas = false, bool projectQuotas = false, string[]? formatOptions = null,
        CancellationToken cancellationToken = default)
    {
        Requirements.FileSystem(kind);
        if (simpleQuotas)
            Requirements.Kernel(6, 7);

        var type = TypeName(kind);
        var imagePath = TestScratch.NewPath($"{type}.img");
        LoopDisk? disk = null;
        try
        {
            using (var image = Files.Open(imagePath, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, 0x180 /* 0600 */))
            {
                Files.SetLength(image, size);
                // XFS always has them.
                string[] features = projectQuotas && kind == FileSystemKind.Ext4 ? ["-O", "project,quota"] : [];
                await FormatAsync(kind, [.. features, .. formatOptions ?? []], imagePath, cancellationToken);
                var device = LoopDevice.Attach(image, imagePath, direct: false, readOnly: false, autoClear: true);
                disk = new LoopDisk(kind, imagePath, TestScratch.NewDirectory(type), device);
            }
            // A Btrfs gives space back with its commits, and would otherwise make one in half a minute.
            disk.Mount(kind == FileSystemKind.Btrfs ? [new("commit", "1")] : projectQuotas ? [new("prjquota", null)] : []);
            if (simpleQuotas)
                BtrfsQuota.EnableSimple(disk.Root);
            return disk;
        }
        catch
        {
            disk?.Dispose();
            File.Delete(imagePath);
            throw;
        }
    }

    /// <summary>Mounts it, with options of its filesystem.</summary>
    public void Mount(params IEnumerable<KeyValuePair<string, string?>> options)
    {
        using var mount = Mounts.CreateFileSystem(TypeName(Kind), DevicePath, options, MountAttributes.None);
        Mounts.Attach(mount, MountPoint);
    }

    /// <summary>Unmounts it and all beneath it. The device stays.</summary>
    public void Unmount()
    {
        _root?.Dispose();
        _root = null;
        MountCleanup.UnmountBeneath(MountPoint);
    }

    /// <summary>A new empty directory on it.</summary>
    public string NewDirectory(string name = "d")
    {
        var path = Path.Combine(MountPoint, $"{name}-{Guid.NewGuid():n}");
        Directory.CreateDirectory(path);
        return path;
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        try
        {
            Unmount();
        }
        finally
        {
            _device.Dispose();
            MountCleanup.WaitForLoopDevices(ImagePath);
            File.Delete(ImagePath);
        }
        Directory.Delete(MountPoint);
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private static async Task FormatAsync(FileSystemKind kind, string[] more, string imagePath, CancellationToken cancellationToken)
    {
        string[] options = ["-q", kind == FileSystemKind.Ext4 ? "-F" : "-f", .. more];
        var result = await ChildProcess.RunAsync($"mkfs.{TypeName(kind)}", [.. options, imagePath], cancellationToken);
        if (!result.Succeeded)
            throw new InvalidOperationException($"mkfs.{TypeName(kind)} {imagePath}: {result.Error}");
    }

    private static string TypeName(FileSystemKind kind) => kind switch
    {
        FileSystemKind.Ext4 => "ext4",
        FileSystemKind.Xfs => "xfs",
        FileSystemKind.Btrfs => "btrfs",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "There is no tool that makes it."),
    };
}
