using System.Collections.Immutable;
using Lamina.Storage;

namespace Lamina.Csi.Requests;

/// <summary>The parameters of a StorageClass or VolumeSnapshotClass, sorted: the pool, what the volume itself is asked for, and what Kubernetes tells of it.</summary>
/// <param name="Pool">The pool; null when none is named.</param>
/// <param name="Volume">What is asked of the volume.</param>
/// <param name="Labels">The keys of Kubernetes, such as the claim's name.</param>
internal sealed record ClassParameters(PoolName? Pool, VolumeParameters Volume, ImmutableSortedDictionary<string, string> Labels)
{
    /// <summary>What the keys begin with that Kubernetes and its sidecars add.</summary>
    internal const string KubernetesPrefix = "csi.storage.k8s.io/";

    /// <summary>Reads the parameters of a volume.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: an unknown key or a bad value, named.</exception>
    internal static ClassParameters Parse(IEnumerable<KeyValuePair<string, string>> parameters)
    {
        var byKind = parameters.ToLookup(pair => KindOf(pair.Key));
        PoolName? pool = byKind[Kind.Pool].Select(pair => pair.Value).FirstOrDefault() is { } name ? IStorageValue<PoolName>.Parse(name) : null;
        return new ClassParameters(pool, VolumeParameters.Parse(byKind[Kind.Volume]), byKind[Kind.Label].ToImmutableSortedDictionary(StringComparer.Ordinal));
    }

    /// <summary>Reads the parameters of a snapshot, which has none but the labels.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: an unknown key, named.</exception>
    internal static ImmutableSortedDictionary<string, string> ParseForSnapshot(IEnumerable<KeyValuePair<string, string>> parameters)
    {
        var all = parameters.ToList();
        return all.Find(pair => KindOf(pair.Key) != Kind.Label).Key is { } unknown
            ? throw new StorageException(StorageError.InvalidArgument, $"unknown parameter '{unknown}': a snapshot has no parameters")
            : all.ToImmutableSortedDictionary(StringComparer.Ordinal);
    }

    private static Kind KindOf(string key) => key switch
    {
        VolumeParameters.PoolKey => Kind.Pool,
        _ => key.StartsWith(KubernetesPrefix, StringComparison.Ordinal) ? Kind.Label : Kind.Volume,
    };

    private enum Kind
    {
        Pool,
        Volume,
        Label,
    }
}
