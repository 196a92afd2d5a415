using Grpc.Core;
using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Admin;

/// <summary>The families of the admin API.</summary>
internal sealed class TreeApi(PoolSet pools, Catalog catalog, FamilyTree tree) : V1.Tree.TreeBase
{
    /// <inheritdoc/>
    public override async Task Get(V1.GetTreeRequest request, IServerStreamWriter<V1.TreeNode> responseStream, ServerCallContext context)
    {
        pools.CheckReady();
        var nodes = tree.Build();
        if (request.HasVolume && (nodes = FamilyTree.FamilyOf(nodes, IdOf(request.Volume))).Count == 0)
            throw NotFound(request.Volume);
        foreach (var node in nodes)
            await responseStream.WriteAsync(node, context.CancellationToken);
    }

    // A volume that is gone has a family as well, if there are snapshots or clones of it.
    private string IdOf(string nameOrId)
    {
        if (VolumeId.TryParse(nameOrId, out var id))
        {
            // Refused as well where nothing can be known of it.
            pools.Resolve(id.Pool);
            return id.ToString();
        }
        var key = ObjectKey.FromName(nameOrId);
        var known = catalog.FindVolume(key)?.Id
            ?? catalog.Snapshots().Select(snapshot => (VolumeId?)snapshot.SourceVolume).FirstOrDefault(source => source!.Value.Key == key)
            ?? catalog.Volumes().Select(volume => volume.Source?.Volume).FirstOrDefault(source => source?.Key == key);
        return known?.ToString() ?? throw NotFound(nameOrId);
    }

    private static StorageException NotFound(string nameOrId) => new(StorageError.NotFound, $"there is no volume '{nameOrId}', and nothing that was made from one");
}
