using System.Globalization;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Testing;

/// <summary>A filesystem whose server does not answer, mounted until the end of the scope: whoever looks at it waits till then.</summary>
public sealed class HangingFileSystem : IDisposable
{
    private readonly string _path;
    private readonly SafeFileHandle _server;

    public HangingFileSystem(string path)
    {
        _path = path;
        _server = Files.Open("/dev/fuse", OpenFlags.ReadWrite);
        var descriptor = _server.DangerousGetHandle().ToString(CultureInfo.InvariantCulture);
        using var mount = Mounts.CreateFileSystem("fuse", "hanging", [new("fd", descriptor), new("rootmode", "40000"), new("user_id", "0"), new("group_id", "0")], MountAttributes.None);
        Mounts.Attach(mount, path);
    }

    public void Dispose()
    {
        // Whoever waits gets an error, and nobody begins to wait any more.
        _server.Dispose();
        for (var left = 500; ; left--)
        {
            try
            {
                Mounts.Unmount(_path);
                return;
            }
            catch (LinuxException e) when (e.Errno is Errno.EBUSY && left > 0)
            {
                // Who has waited is just going.
                Thread.Sleep(20);
            }
        }
    }
}
