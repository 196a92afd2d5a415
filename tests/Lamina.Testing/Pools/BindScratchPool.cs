using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Testing.Pools;

/// <summary>A pool of host directories; each volume gets a new one.</summary>
public sealed class BindScratchPool : DirectoryScratchPool
{
    private BindScratchPool(PoolSettings settings, string root)
        : base(settings, new PoolEnvironment { BindRoots = [root] }) => Root = root;

    /// <summary>The directory beneath which directories may be served.</summary>
    public string Root { get; }

    /// <inheritdoc/>
    public override bool HasSpaceOfItsOwn => false;

    /// <summary>Makes a pool and opens it.</summary>
    public static Task<BindScratchPool> CreateAsync() => CreateInAsync(TestScratch.NewPath("bind"));

    /// <summary>Makes a pool in a directory and opens it.</summary>
    public static async Task<BindScratchPool> CreateInAsync(string directory)
    {
        var pool = new BindScratchPool(SettingsOf(PoolBackend.Bind, directory), TestScratch.NewDirectory("root"));
        PoolInitializer.Initialize(pool.Settings);
        await pool.OpenAsync();
        return pool;
    }

    /// <inheritdoc/>
    public override VolumeParameters NewParameters()
    {
        var directory = Path.Combine(Root, Guid.NewGuid().ToString("n"));
        System.IO.Directory.CreateDirectory(directory);
        return VolumeParameters.None with { Source = IStorageValue<MountTarget>.Parse(directory) };
    }
}
