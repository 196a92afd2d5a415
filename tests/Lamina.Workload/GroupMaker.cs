using System.Globalization;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Storage.Operations;
using Lamina.Storage.Pauses;
using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Cuts;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Workload;

/// <summary>A daemon that makes groups of all volumes of its pools and deletes them again, as fast as it can: to be killed in the middle.</summary>
internal static class GroupMaker
{
    /// <param name="runtimeDirectory">Its runtime directory.</param>
    /// <param name="pools">The pools, each <c>name=backend=path</c>.</param>
    internal static async Task<int> RunAsync(string runtimeDirectory, string[] pools)
    {
        var time = TimeProvider.System;
        var catalog = new Catalog();
        var pauses = new WriterPauses(runtimeDirectory, null, time, NullLogger<WriterPauses>.Instance);
        await using var set = new PoolSet(
            new PoolOpener(NullLoggerFactory.Instance, time, pauses), new ForgottenPools(runtimeDirectory), catalog, NullLogger<PoolSet>.Instance);
        var operations = new OperationRunner(new KeyedLocks(), NullLogger<OperationRunner>.Instance);
        var attachments = new AttachmentService(
            new AttachmentOptions(runtimeDirectory), set, catalog, operations, time, NullLogger<AttachmentService>.Instance);
        var groups = new SnapshotGroupService(
            set,
            catalog,
            attachments,
            new CutRunner(pauses, time, NullLogger<CutRunner>.Instance),
            new CapacityPromises(catalog),
            operations,
            time,
            NullLogger<SnapshotGroupService>.Instance);
        await set.LoadAsync(pools.Select(SettingsOf), CancellationToken.None);
        var volumes = catalog.Volumes().Select(volume => volume.Id).ToList();
        for (var number = 0; ; number++)
        {
            // Whoever has killed it before has left some, which an answer would take for its own.
            var name = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{number}");
            var group = await groups.CreateAsync(new SnapshotGroupRequest { Name = name, Volumes = [.. volumes], Door = Door.Cli }, CancellationToken.None);
            if (number == 0)
                Work.Ready();
            if (number % 2 == 0)
                await groups.DeleteAsync(group.Id, null, CancellationToken.None);
        }
    }

    private static PoolSettings SettingsOf(string pool)
    {
        var parts = pool.Split('=');
        return new PoolSettings { Name = IStorageValue<PoolName>.Parse(parts[0]), Backend = Enum.Parse<PoolBackend>(parts[1]), Path = parts[2] };
    }
}
