using Grpc.Core;
using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Admin;

/// <summary>The pools of the admin API.</summary>
internal sealed class PoolsApi(PoolSet pools, PoolMaker maker, AdminMessages messages, ILogger<PoolsApi> logger) : V1.Pools.PoolsBase
{
    /// <inheritdoc/>
    public override async Task List(V1.ListPoolsRequest request, IServerStreamWriter<V1.Pool> responseStream, ServerCallContext context)
    {
        pools.CheckReady();
        foreach (var pool in pools.List())
            await responseStream.WriteAsync(messages.Of(pool), context.CancellationToken);
    }

    /// <inheritdoc/>
    public override Task<V1.Pool> Inspect(V1.InspectPoolRequest request, ServerCallContext context)
    {
        pools.CheckReady();
        var all = pools.List();
        var found = all.FirstOrDefault(pool => pool.Settings.Name.ToString() == request.Pool)
            ?? all.FirstOrDefault(pool => pool.Loaded?.Id.ToString() == request.Pool)
            ?? throw new StorageException(StorageError.NotFound,
                $"there is no pool '{request.Pool}'; there are {string.Join(", ", all.Select(pool => pool.Settings.Name))}");
        return Task.FromResult(messages.Of(found));
    }

    /// <inheritdoc/>
    public override async Task<V1.Pool> Init(V1.InitPoolRequest request, ServerCallContext context) =>
        messages.Of(await maker.MakeAsync(request, context.CancellationToken));

    /// <inheritdoc/>
    public override Task<V1.ForgetPoolResponse> Forget(V1.ForgetPoolRequest request, ServerCallContext context)
    {
        pools.CheckReady();
        var id = IStorageValue<PoolId>.Parse(request.Id);
        pools.Forget(id);
        logger.PoolForgotten(id);
        return Task.FromResult(new V1.ForgetPoolResponse());
    }
}
