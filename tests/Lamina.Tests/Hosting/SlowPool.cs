using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Tests.Hosting;

/// <summary>A pool that takes as long to load as a test wants: its disk is frozen, and whoever writes to it waits.</summary>
internal sealed class SlowPool : IAsyncDisposable
{
    private readonly LoopDisk _disk;
    private readonly string _path;
    private bool _frozen;

    private SlowPool(LoopDisk disk)
    {
        _disk = disk;
        _path = disk.NewDirectory("pool");
    }

    /// <summary>What a daemon is configured with for it.</summary>
    internal string[] Arguments => ["--pools:slow:backend=overlay2", $"--pools:slow:path={_path}"];

    internal static async Task<SlowPool> MakeAsync()
    {
        var pool = new SlowPool(await LoopDisk.CreateAsync(FileSystemKind.Ext4));
        PoolInitializer.Initialize(new PoolSettings { Name = PoolName.Default, Backend = PoolBackend.Overlay2, Path = pool._path });
        FileSystemFreeze.Freeze(pool._disk.Root);
        pool._frozen = true;
        return pool;
    }

    /// <summary>Lets whoever waits go on.</summary>
    internal void Release()
    {
        if (_frozen)
            FileSystemFreeze.Thaw(_disk.Root);
        _frozen = false;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Release();
        await _disk.DisposeAsync();
    }
}
