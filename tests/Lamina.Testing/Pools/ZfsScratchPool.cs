using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Testing.Pools;

/// <summary>A ZFS pool in a dataset of its own.</summary>
public sealed class ZfsScratchPool : ScratchPool
{
    // In an emulated guest a command alone can take seconds, and a filesystem is frozen meanwhile.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);
    private readonly ILoggerFactory _loggers;

    private ZfsScratchPool(PoolSettings settings, ILoggerFactory loggers)
    {
        Settings = settings;
        _loggers = loggers;
    }

    /// <summary>Its settings.</summary>
    public PoolSettings Settings { get; }

    /// <summary>Its root dataset.</summary>
    public string Dataset => Settings.Path;

    /// <inheritdoc/>
    public override string SomeCompression => "gzip";

    /// <inheritdoc/>
    public override bool HasExtendedAttributes => ZfsFileSystem.IsInKernel;

    /// <inheritdoc/>
    /// <remarks>zfs-fuse has a writer wait for the disk as soon as all that is on the way there, at the most that it could take, would pass the limit.</remarks>
    public override bool IsSlowNearLimits => !ZfsFileSystem.IsInKernel;

    /// <inheritdoc/>
    public override bool HasSpaceOfItsOwn => true;

    /// <inheritdoc/>
    /// <remarks>A zvol has its device always: it is in use where it is mounted, or its node is.</remarks>
    public override IReadOnlyList<string> ListDevices() =>
        [.. MountTable.Read().Entries.Select(mount => mount.FileSystemType == "devtmpfs" ? $"/dev{mount.Root}" : mount.Source)
            .Where(path => path.StartsWith("/dev/zd", StringComparison.Ordinal)).Distinct().Where(IsOfThePool)];

    /// <summary>Makes a pool and opens it.</summary>
    public static async Task<ZfsScratchPool> CreateAsync(ZfsFileSystem fileSystem, ILoggerFactory? loggers = null)
    {
        var pool = new ZfsScratchPool(SettingsOf(fileSystem.NewDataset()) with { MaxPause = s_patience }, loggers ?? NullLoggerFactory.Instance);
        await PoolInitializer.InitializeAsync(pool.Settings, null, CancellationToken.None);
        await pool.OpenAsync();
        return pool;
    }

    /// <summary>Opens a pool that is there, and destroys it in the end.</summary>
    public static async Task<ZfsScratchPool> OpenAsync(string dataset)
    {
        var pool = new ZfsScratchPool(SettingsOf(dataset), NullLoggerFactory.Instance);
        await pool.OpenAsync();
        return pool;
    }

    /// <summary>The settings of a pool at a dataset.</summary>
    public static PoolSettings SettingsOf(string dataset) => new() { Name = PoolName.Default, Backend = PoolBackend.Zfs, Path = dataset };

    /// <inheritdoc/>
    /// <remarks>As a daemon whose runtime directory is another one each time, which must not matter.</remarks>
    public override IPool OpenAnother() =>
        new PoolOpener(_loggers, TimeProvider.System, Pauses, new PoolEnvironment { RuntimeDirectory = TestScratch.NewDirectory("zfs-run") }).Open(Settings);

    /// <summary>Waits until nothing waits in its trash any more.</summary>
    public Task TrashEmptiesAsync() => Eventually.TrueAsync(() => ListTrash().Count == 0, "the trash is empty");

    /// <summary>What is in its trash: datasets, and snapshots that nobody sees.</summary>
    public IReadOnlyList<string> ListTrash() => [.. List().Where(name => name.Contains("/trash/", StringComparison.Ordinal) || name.Contains(".trash.", StringComparison.Ordinal) || name.Contains("@trash.", StringComparison.Ordinal))];

    /// <summary>Every dataset and snapshot of it.</summary>
    public IReadOnlyList<string> List() =>
        ZfsFileSystem.RunAsync("list", "-H", "-r", "-t", "filesystem,volume,snapshot", "-o", "name", Dataset).GetAwaiter().GetResult().Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private bool IsOfThePool(string path)
    {
        using var device = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NonBlock);
        return Zvol.TryGetName(device)?.StartsWith($"{Dataset}/", StringComparison.Ordinal) == true;
    }

    /// <inheritdoc/>
    protected override void CleanUp() => ZfsFileSystem.DestroyAsync(Dataset).GetAwaiter().GetResult();
}
