using System.Globalization;
using Lamina.Linux;

namespace Lamina.Testing;

/// <summary>A filesystem whose server is gone, mounted until the end of the scope: whoever looks at it gets ENOTCONN, as with FUSE and network filesystems.</summary>
public sealed class DeadFileSystem : IDisposable
{
    private readonly string _path;

    public DeadFileSystem(string path)
    {
        _path = path;
        using var server = Files.Open("/dev/fuse", OpenFlags.ReadWrite);
        var descriptor = server.DangerousGetHandle().ToString(CultureInfo.InvariantCulture);
        using var mount = Mounts.CreateFileSystem("fuse", "dead", [new("fd", descriptor), new("rootmode", "40000"), new("user_id", "0"), new("group_id", "0")], MountAttributes.None);
        Mounts.Attach(mount, path);
    }

    public void Dispose() => Mounts.Unmount(_path);
}
