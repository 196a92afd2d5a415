using Lamina.Linux;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>
/// Hard limits for overlay volumes where the filesystem enforces project quotas. A head's tree and its work directory share one project id,
/// which nothing else on the filesystem uses. Each new head has a limit of its own, so a full rewrite after a snapshot fits.
/// </summary>
internal sealed class ProjectQuotas(PoolDirectory pool, LayerStore layers)
{
    // Far above what administrators number by hand in /etc/projid, and below 2^31 for tools that read the id as signed.
    private const int FirstId = 0x4C000000;
    private const int IdBits = 24;

    /// <summary>Whether the filesystem enforces them.</summary>
    internal bool AreEnforced { get; } = ProjectQuota.IsEnforced(pool.Root);

    /// <summary>Puts a new head under a limit.</summary>
    /// <returns>The project id; null where there are no quotas.</returns>
    internal uint? Limit(LayerId head, ByteSize? size)
    {
        if (!AreEnforced)
            return null;
        uint id;
        do
            id = (uint)(FirstId + KernelRandom.GetBits(IdBits));
        while (ProjectQuota.Get(pool.Root, id) is not { Bytes: 0, Inodes: 0 });

        using var directory = layers.Open(head);
        foreach (var name in (ReadOnlySpan<string>)["diff", "work"])
        {
            using var tree = Files.OpenDirectoryAt(directory, name);
            ProjectQuota.SetProject(tree, id, inherit: true);
        }
        Raise(id, size);
        return id;
    }

    /// <summary>Changes the limit of a head.</summary>
    internal void Raise(uint? project, ByteSize? size)
    {
        if (project is { } id)
            ProjectQuota.SetLimit(pool.Root, id, size is { } limit ? (ulong)limit.Bytes : null, null);
    }

    /// <summary>Takes the limit of a project away whose head is sealed or gone.</summary>
    internal void Drop(uint? project)
    {
        if (project is { } id)
            ProjectQuota.SetLimit(pool.Root, id, null, null);
    }
}
