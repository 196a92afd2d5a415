using Lamina.Linux;

namespace Lamina.Testing;

/// <summary>A directory that another filesystem is mounted over, until the end.</summary>
public sealed class Hidden : IDisposable
{
    private readonly string _path;

    public Hidden(string path)
    {
        _path = path;
        using var mount = Mounts.CreateFileSystem("tmpfs", "tmpfs", [], MountAttributes.None);
        Mounts.Attach(mount, path);
    }

    public void Dispose() => Mounts.Unmount(_path);
}
