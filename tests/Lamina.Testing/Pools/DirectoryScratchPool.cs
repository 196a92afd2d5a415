using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Testing.Pools;

/// <summary>A pool of a real backend in a directory of its own.</summary>
public class DirectoryScratchPool : ScratchPool
{
    private readonly PoolEnvironment _environment;

    protected DirectoryScratchPool(PoolSettings settings, PoolEnvironment? environment = null)
    {
        Settings = settings;
        _environment = environment ?? new PoolEnvironment();
    }

    /// <summary>Its settings.</summary>
    public PoolSettings Settings { get; }

    /// <inheritdoc/>
    public override string Directory => Settings.Path;

    /// <inheritdoc/>
    public override IReadOnlyList<string> ListDevices() =>
        [.. LoopDevice.List().Where(loop => loop.BackingFile.StartsWith(Directory + "/", StringComparison.Ordinal)).Select(loop => loop.Path)];

    /// <inheritdoc/>
    public override Task<byte[]> ReadImageAsync(Snapshot snapshot) => File.ReadAllBytesAsync(ImagePathOf(snapshot));

    /// <summary>The image of a snapshot of an image volume.</summary>
    public string ImagePathOf(Snapshot snapshot) => Path.Combine(Directory, "image-snapshots", snapshot.Id.Key.ToString(), "image");

    /// <summary>Makes a pool in an empty directory, and opens it.</summary>
    public static Task<DirectoryScratchPool> CreateAsync(PoolBackend backend, string directory, bool simpleQuota = false) =>
        CreateAsync(SettingsOf(backend, directory) with { SimpleQuota = simpleQuota });

    /// <summary>Makes a pool as it is configured, and opens it.</summary>
    public static async Task<DirectoryScratchPool> CreateAsync(PoolSettings settings, ByteSize? imageSize = null)
    {
        var pool = new DirectoryScratchPool(settings);
        await PoolInitializer.InitializeAsync(settings, imageSize, CancellationToken.None);
        await pool.OpenAsync();
        return pool;
    }

    /// <summary>Opens a pool with other settings, by the side of the one that is open or not.</summary>
    public IPool OpenAnother(PoolSettings settings) => new PoolOpener(
        NullLoggerFactory.Instance, TimeProvider.System, Pauses, _environment).Open(settings);

    /// <inheritdoc/>
    public override IPool OpenAnother() => OpenAnother(Settings);

    /// <summary>The settings of a pool that has nothing but its place.</summary>
    public static PoolSettings SettingsOf(PoolBackend backend, string directory) => new()
    {
        Name = backend == PoolBackend.Bind ? PoolName.Bind : PoolName.Default,
        Backend = backend,
        Path = directory,
    };

    /// <inheritdoc/>
    protected override void CleanUp()
    {
        if (Settings.Image is { } image)
        {
            MountCleanup.UnmountBeneath(Directory);
            File.Delete(image);
        }
        using var parent = Files.OpenDirectory(Path.GetDirectoryName(Directory)!);
        ScratchRemoval.Remove(parent, Path.GetFileName(Directory));
    }
}
