using Lamina.Linux;

namespace Lamina.Testing;

/// <summary>
/// A filesystem in memory, for what needs many real objects and no disk: flushes cost nothing there. A fixture, or made by a test for itself.
/// </summary>
public sealed class TmpfsFileSystem : IDisposable
{
    public TmpfsFileSystem()
    {
        Requirements.Root();
        using var mount = Mounts.CreateFileSystem("tmpfs", "tmpfs", [], MountAttributes.None);
        Mounts.Attach(mount, MountPoint);
    }

    /// <summary>Where it is mounted.</summary>
    public string MountPoint { get; } = TestScratch.NewDirectory("tmpfs");

    /// <summary>A new empty directory on it.</summary>
    public string NewDirectory(string name = "d") => Directory.CreateDirectory(Path.Combine(MountPoint, $"{name}-{Guid.NewGuid():n}")).FullName;

    public void Dispose()
    {
        MountCleanup.UnmountBeneath(MountPoint);
        Directory.Delete(MountPoint);
    }
}
