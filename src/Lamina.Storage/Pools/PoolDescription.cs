using System.Collections.Immutable;

namespace Lamina.Storage.Pools;

/// <summary>Who a loaded pool is and what it can do.</summary>
/// <param name="Name">Its name in this host's configuration.</param>
/// <param name="Id">Its identity, which travels with its disk.</param>
/// <param name="Backend"><c>overlay2</c>, <c>btrfs</c>, <c>zfs</c> or <c>bind</c>.</param>
/// <param name="Path">Where it lies, for people.</param>
/// <param name="Features">What it can do.</param>
public sealed record PoolDescription(PoolName Name, PoolId Id, string Backend, string Path, PoolFeatures Features)
{
    /// <summary>The filesystem beneath, such as <c>ext4</c>.</summary>
    public string FileSystem { get; init; } = "";

    /// <summary>The keys of <see cref="VolumeAttributes"/> that its volumes have.</summary>
    public ImmutableHashSet<string> MutableAttributes { get; init; } = [];

    /// <summary>What a person should know: limits that are advisory, records that can't be read.</summary>
    public ImmutableList<string> Warnings { get; init; } = [];

    /// <summary>Whether volumes can have that filesystem; null is the pool's own, which also goes by the backend's name.</summary>
    public bool Offers(string? fileSystem) => fileSystem is null || fileSystem == Backend;
}
