using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Testing.Pools;

/// <summary>What a pool told to mount, mounted at a scratch place.</summary>
public sealed class MountedVolume : IDisposable
{
    private bool _isMounted = true;

    private readonly MountDescription _description;

    private MountedVolume(string path, MountDescription description)
    {
        Path = path;
        _description = description;
    }

    /// <summary>Where.</summary>
    public string Path { get; }

    /// <summary>Performs a description as the attachment service does.</summary>
    public static MountedVolume Mount(MountDescription description)
    {
        var target = TestScratch.NewDirectory("volume");
        if (description.IsDevice)
        {
            target = System.IO.Path.Combine(target, "device");
            File.WriteAllBytes(target, []);
        }
        description.MountAt(target);
        return new MountedVolume(target, description);
    }

    /// <summary>A path in it.</summary>
    public string At(string relative) => System.IO.Path.Combine(Path, relative);

    /// <summary>Unmounts a raw device as the attachment service does; false while somebody has it open.</summary>
    public bool TryUnmountDevice() => DeviceNodes.TryUnmount(
        Path, IStorageValue<ObjectKey>.Parse(System.IO.Path.GetFileName(_description is MountDescription.Zvol zvol ? zvol.Name : ((MountDescription.Image)_description).Root)));

    /// <summary>Unmounts it.</summary>
    public void Dispose()
    {
        if (!_isMounted)
            return;
        if (Directory.Exists(Path))
        {
            MountCleanup.UnmountBeneath(Path);
            Directory.Delete(Path);
        }
        else
        {
            if (!TryUnmountDevice())
                throw new InvalidOperationException($"Still in use at the end of a test: {Path}");
            File.Delete(Path);
            Directory.Delete(System.IO.Path.GetDirectoryName(Path)!);
        }
        _isMounted = false;
    }
}
