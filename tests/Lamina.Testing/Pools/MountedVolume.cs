using Lamina.Linux;
using Lamina.Storage.Pools;

namespace Lamina.Testing.Pools;

/// <summary>What a pool told to mount, mounted at a scratch place.</summary>
public sealed class MountedVolume : IDisposable
{
    private bool _isMounted = true;

    private MountedVolume(string path) => Path = path;

    /// <summary>Where.</summary>
    public string Path { get; }

    /// <summary>Performs a description as the attachment service does.</summary>
    public static MountedVolume Mount(MountDescription description)
    {
        var target = TestScratch.NewDirectory("volume");
        switch (description)
        {
            case MountDescription.Overlay overlay:
                Mounts.MountOverlay(
                    new OverlayOptions { LowerDirectories = overlay.Lowers, UpperDirectory = overlay.Upper, WorkDirectory = overlay.Work },
                    target,
                    MountAttributes.None);
                break;
            case MountDescription.Bind bind:
                using (var root = Files.OpenDirectory(bind.Root))
                using (var source = Files.OpenResolved(root, bind.Path, OpenFlags.Path | OpenFlags.Directory, ResolveFlags.Beneath | ResolveFlags.NoSymlinks))
                using (var tree = Mounts.CloneTree(source))
                    Mounts.Attach(tree, target);
                break;
            default:
                throw new NotSupportedException(description.ToString());
        }
        return new MountedVolume(target);
    }

    /// <summary>A path in it.</summary>
    public string At(string relative) => System.IO.Path.Combine(Path, relative);

    /// <summary>Unmounts it.</summary>
    public void Dispose()
    {
        if (!_isMounted)
            return;
        MountCleanup.UnmountBeneath(Path);
        Directory.Delete(Path);
        _isMounted = false;
    }
}
