using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Storage.Ephemeral;
using Lamina.Storage.Operations;
using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Cuts;
using Lamina.Storage.Pools.Zfs;

namespace Lamina.Hosting;

/// <summary>The domain, put together.</summary>
internal static class StorageRegistration
{
    internal static IServiceCollection AddStorage(this IServiceCollection services, LaminaOptions options) => services
        .AddSingleton(TimeProvider.System)
        .AddSingleton(new AttachmentOptions(options.RuntimeDirectory))
        .AddSingleton(_ => new ForgottenPools(options.StateDirectory))
        .AddSingleton<Catalog>()
        .AddSingleton<KeyedLocks>()
        .AddSingleton<OperationRunner>()
        .AddSingleton<CapacityPromises>()
        .AddPauses(options)
        .AddSingleton(services => new PoolEnvironment
        {
            BindRoots = options.BindRoots,
            RuntimeDirectory = options.RuntimeDirectory,
            ZfsPrograms = new ZfsPrograms { MountNamespace = options.Zfs.MountNamespace is { Length: > 0 } file ? file : null },
            OwnPaths = () => OwnPaths(options, services.GetRequiredService<PoolSet>()),
        })
        .AddSingleton<PoolOpener>()
        .AddSingleton<CutRunner>()
        .AddSingleton<PoolSet>()
        .AddSingleton<AttachmentService>()
        .AddSingleton<VolumeService>()
        .AddSingleton<SnapshotService>()
        .AddSingleton<SnapshotBlockService>()
        .AddSingleton<SnapshotGroupService>()
        .AddSingleton<EphemeralVolumes>();

    private static IEnumerable<string> OwnPaths(LaminaOptions options, PoolSet pools) => pools.List()
        .SelectMany(pool => (string?[])[pool.Settings.Backend == PoolBackend.Zfs ? null : pool.Settings.Path, pool.Settings.Image])
        .OfType<string>()
        .Prepend(options.StateDirectory);
}
