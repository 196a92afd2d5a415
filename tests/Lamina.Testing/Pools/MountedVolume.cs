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
        description.MountAt(target);
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
