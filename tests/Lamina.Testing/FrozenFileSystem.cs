using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Testing;

/// <summary>A filesystem that stands still until the end of the scope: whoever writes to it waits, and can't even be killed.</summary>
public sealed class FrozenFileSystem : IDisposable
{
    private readonly SafeFileHandle _root;
    private bool _isThawed;

    /// <summary>Freezes the filesystem at a path.</summary>
    public FrozenFileSystem(string path)
    {
        _root = Files.OpenDirectory(path);
        FileSystemFreeze.Freeze(_root);
    }

    /// <summary>Lets whoever waits go on; more than once is fine.</summary>
    public void Dispose()
    {
        if (_isThawed)
            return;
        _isThawed = true;
        FileSystemFreeze.Thaw(_root);
        _root.Dispose();
    }
}
