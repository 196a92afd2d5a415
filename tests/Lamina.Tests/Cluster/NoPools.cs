using System.Collections.Immutable;
using Lamina.Hosting;
using Lamina.Storage;
using Lamina.Storage.Pauses;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Tests.Cluster;

/// <summary>What a node knows that serves no pool, with a catalog for a test to fill: for parts of the daemon without a daemon.</summary>
internal sealed class NoPools : IAsyncDisposable
{
    private NoPools() => Pools = new PoolSet(
        new PoolOpener(NullLoggerFactory.Instance, TimeProvider.System, new WriterPauses(TestScratch.NewPath("run"), null, TimeProvider.System, NullLogger<WriterPauses>.Instance)),
        Forgotten, Catalog, NullLogger<PoolSet>.Instance);

    internal Catalog Catalog { get; } = new();

    internal ForgottenPools Forgotten { get; } = new(TestScratch.NewPath("state"));

    internal PoolSet Pools { get; }

    internal static async Task<NoPools> MakeAsync()
    {
        var parts = new NoPools();
        await parts.Pools.LoadAsync([], CancellationToken.None);
        return parts;
    }

    /// <summary>Options of a node in a cluster.</summary>
    internal static LaminaOptions Options(string kubeconfig = "/nowhere") => new() { NodeName = "node-1", Cluster = new ClusterOptions { Kubeconfig = kubeconfig, Namespace = "lamina" } };

    /// <summary>Volumes of a pool, as if it were served.</summary>
    internal void Add(PoolId pool, params IEnumerable<string> keys)
    {
        foreach (var key in keys)
            Catalog.Put(Volume(pool, key));
    }

    internal static Volume Volume(PoolId pool, string key, params (string Key, string Value)[] labels) => new()
    {
        Id = IStorageValue<VolumeId>.Parse($"{pool}.{key}"), Name = key, Door = Door.Csi, CreatedAt = default, Labels = labels.ToImmutableSortedDictionary(label => label.Key, label => label.Value),
    };

    public ValueTask DisposeAsync() => Pools.DisposeAsync();
}
