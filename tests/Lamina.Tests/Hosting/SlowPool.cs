using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Tests.Hosting;

/// <summary>A pool that takes as long to load as a test wants: its disk is frozen, and whoever opens the pool waits.</summary>
internal sealed class SlowPool : IAsyncDisposable
{
    private readonly LoopDisk _disk;
    private readonly FrozenFileSystem _frozen;

    private SlowPool(LoopDisk disk, string path)
    {
        _disk = disk;
        _frozen = new FrozenFileSystem(disk.MountPoint);
        Arguments = ["--pools:slow:backend=overlay2", $"--pools:slow:path={path}"];
    }

    /// <summary>What a daemon is configured with for it.</summary>
    internal string[] Arguments { get; }

    /// <summary>Makes one.</summary>
    /// <param name="fill">Puts something into it before; null: it is empty.</param>
    /// <param name="size">Of the disk, in bytes.</param>
    internal static async Task<SlowPool> MakeAsync(Func<PoolSettings, Task>? fill = null, long size = LoopDisk.DefaultSize)
    {
        var disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4, size);
        try
        {
            var settings = new PoolSettings { Name = PoolName.Default, Backend = PoolBackend.Overlay2, Path = disk.NewDirectory("pool") };
            PoolInitializer.Initialize(settings);
            if (fill is not null)
                await fill(settings);
            return new SlowPool(disk, settings.Path);
        }
        catch
        {
            disk.Dispose();
            throw;
        }
    }

    /// <summary>Lets whoever waits go on.</summary>
    internal void Release() => _frozen.Dispose();

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Release();
        return _disk.DisposeAsync();
    }
}
