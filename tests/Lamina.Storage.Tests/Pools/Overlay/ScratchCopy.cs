using Lamina.Linux;
using Lamina.Storage.Pools.Overlay;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Tests.Pools.Overlay;

/// <summary>A copy of a volume's upper in the making, without anybody being stopped for it.</summary>
internal sealed class ScratchCopy : IDisposable
{
    private readonly SafeFileHandle _source;
    private readonly SafeFileHandle _target;
    private readonly SafeFileHandle _mount;

    internal ScratchCopy(LiveVolume volume, int maxEntries = UpperCopy.MaxEntries)
    {
        Target = volume.NewTarget();
        _source = Files.OpenDirectory(volume.Upper);
        _target = Files.OpenDirectory(Target);
        _mount = Files.Open(volume.MountPoint, OpenFlags.Path | OpenFlags.Directory);
        Copy = new UpperCopy(_source, _target, _mount, maxEntries);
    }

    internal string Target { get; }

    internal UpperCopy Copy { get; }

    /// <summary>What a cut does while the writers stand still; here there are none.</summary>
    internal void Complete()
    {
        var stop = KernelClock.Now;
        while (KernelClock.FileTime <= stop)
            Thread.Sleep(1);
        Copy.Complete(new HashSet<ulong>(), CancellationToken.None);
        Copy.Verify(stop, CancellationToken.None);
        Copy.Finish();
    }

    public void Dispose()
    {
        Copy.Dispose();
        _source.Dispose();
        _target.Dispose();
        _mount.Dispose();
    }
}
