using System.Globalization;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Workload;

/// <summary>A daemon that makes groups of all volumes of its pools and deletes them again, as fast as it can: to be killed in the middle.</summary>
internal static class GroupMaker
{
    /// <param name="runtimeDirectory">Its runtime directory.</param>
    /// <param name="pools">The pools, each <c>name=backend=path</c>.</param>
    internal static async Task<int> RunAsync(string runtimeDirectory, string[] pools)
    {
        await using var storage = await StorageServices.StartAsync(runtimeDirectory, [.. pools.Select(SettingsOf)]);
        var volumes = storage.Catalog.Volumes().ToList();
        for (var number = 0; ; number++)
        {
            // Whoever has killed it before has left some, which an answer would take for its own.
            var name = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{number}");
            var group = await storage.GroupAsync(name, volumes);
            if (number == 0)
                Work.Ready();
            if (number % 2 == 0)
                await storage.Groups.DeleteAsync(group.Id, null, CancellationToken.None);
        }
    }

    private static PoolSettings SettingsOf(string pool)
    {
        var parts = pool.Split('=');
        return new PoolSettings { Name = IStorageValue<PoolName>.Parse(parts[0]), Backend = Enum.Parse<PoolBackend>(parts[1]), Path = parts[2] };
    }
}
