using Grpc.Core;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Storage.Pools;

namespace Lamina.Admin;

/// <summary>The volumes of the admin API.</summary>
internal sealed class VolumesApi(PoolSet pools, VolumeService volumes, SnapshotService snapshots, AttachmentService attachments, AdminMessages messages)
    : V1.Volumes.VolumesBase
{
    /// <inheritdoc/>
    public override async Task<V1.Volume> Create(V1.CreateVolumeRequest request, ServerCallContext context)
    {
        var parameters = request.Parameters.ToDictionary();
        parameters.Remove(VolumeParameters.PoolKey, out var pool);
        if (request.HasPool && pool is not null && pool != request.Pool)
            throw new StorageException(StorageError.InvalidArgument, $"the pool is asked for twice: as '{request.Pool}' and by the parameter as '{pool}'");
        pool = request.HasPool ? request.Pool : pool;
        var source = request.SourceCase switch
        {
            V1.CreateVolumeRequest.SourceOneofCase.Snapshot => VolumeSource.From(snapshots.GetByNameOrId(request.Snapshot).Id),
            V1.CreateVolumeRequest.SourceOneofCase.Volume => VolumeSource.From(volumes.GetByNameOrId(request.Volume).Id),
            _ => null,
        };
        var volume = new VolumeRequest
        {
            Name = request.Name,
            Door = Door.Cli,
            Pool = pool is null ? null : Known(pool),
            Size = SizeRange.AtLeast(RequestValues.VolumeSize(request.HasSizeBytes, request.SizeBytes)),
            Kind = KindOf(request, source),
            FileSystem = request.HasFileSystem ? request.FileSystem : null,
            Source = source,
            Parameters = VolumeParameters.Parse(parameters),
            Labels = RequestValues.Labels(request.Labels),
        };
        return messages.Of(await volumes.CreateAsync(volume, context.CancellationToken));
    }

    /// <inheritdoc/>
    public override async Task List(V1.ListVolumesRequest request, IServerStreamWriter<V1.Volume> responseStream, ServerCallContext context)
    {
        var pool = request.HasPool ? pools.Resolve(Known(request.Pool)).Id : (PoolId?)null;
        var devices = attachments.Survey().Devices;
        foreach (var volume in volumes.List(0, null).Items.Where(volume => pool is null || volume.Id.Pool == pool))
            await responseStream.WriteAsync(messages.Of(volume, devices), context.CancellationToken);
    }

    /// <inheritdoc/>
    public override Task<V1.Volume> Inspect(V1.InspectVolumeRequest request, ServerCallContext context)
    {
        var message = messages.Of(GetOrTellWhy(request.Volume));
        message.Operations.Add(volumes.OperationsOn(message.Id).Select(AdminMessages.Of));
        return Task.FromResult(message);
    }

    /// <inheritdoc/>
    public override async Task<V1.DeleteVolumeResponse> Delete(V1.DeleteVolumeRequest request, ServerCallContext context)
    {
        var volume = volumes.GetByNameOrId(request.Volume);
        Doors.CheckOwn(volume.Door, request.AnyDoor, $"volume '{volume.Name}'");
        await volumes.DeleteAsync(volume.Id, context.CancellationToken);
        return new V1.DeleteVolumeResponse { Id = volume.Id.ToString() };
    }

    /// <inheritdoc/>
    public override async Task<V1.Volume> Resize(V1.ResizeVolumeRequest request, ServerCallContext context)
    {
        // Exactly this size: a person who asks for less than there is must hear that volumes do not shrink.
        var size = RequestValues.Size(true, request.SizeBytes, "the size");
        return messages.Of(await volumes.ExpandAsync(volumes.GetByNameOrId(request.Volume).Id, new SizeRange(size, size), context.CancellationToken));
    }

    /// <inheritdoc/>
    public override async Task<V1.Volume> Modify(V1.ModifyVolumeRequest request, ServerCallContext context)
    {
        var volume = volumes.GetByNameOrId(request.Volume);
        return messages.Of(await volumes.ModifyAsync(volume.Id, VolumeAttributes.Parse(request.Attributes), context.CancellationToken));
    }

    /// <inheritdoc/>
    public override async Task<V1.AttachVolumeResponse> Attach(V1.AttachVolumeRequest request, ServerCallContext context)
    {
        var volume = volumes.GetByNameOrId(request.Volume);
        var path = await attachments.AttachAsync(volume.Id, HolderOf(request.Reference), "", context.CancellationToken);
        return new V1.AttachVolumeResponse { Path = path, Volume = messages.Of(volume) };
    }

    /// <inheritdoc/>
    public override async Task<V1.Volume> Detach(V1.DetachVolumeRequest request, ServerCallContext context)
    {
        var volume = volumes.GetByNameOrId(request.Volume);
        await attachments.DetachAsync(volume.Id, HolderOf(request.Reference), context.CancellationToken);
        return messages.Of(volume);
    }

    // To the domain an unknown pool is a wrong value, as CSI has it; to a person it is something that is not there. Bind volumes have a refusal of their own.
    private PoolName Known(string text)
    {
        pools.CheckReady();
        var name = IStorageValue<PoolName>.Parse(text);
        return name == PoolName.Bind || pools.Knows(name)
            ? name
            : throw new StorageException(StorageError.NotFound, $"there is no pool '{name}'; there are {string.Join(", ", pools.List().Select(pool => pool.Settings.Name))}");
    }

    private Volume GetOrTellWhy(string nameOrId)
    {
        try
        {
            return volumes.GetByNameOrId(nameOrId);
        }
        catch (StorageException e) when (e.Error is StorageError.NotFound && volumes.OperationsOn(nameOrId) is [var running, ..])
        {
            throw new StorageException(StorageError.NotFound, $"there is no volume '{nameOrId}' yet, but this is going on since {running.Since.UtcDateTime:HH:mm:ss} UTC: {running}", e);
        }
    }

    // A person who copies a raw device need not say that the copy is one.
    private VolumeKind KindOf(V1.CreateVolumeRequest request, VolumeSource? source) => request.HasKind
        ? request.Kind switch
        {
            "filesystem" => VolumeKind.Filesystem,
            "block" => VolumeKind.Block,
            var other => throw new StorageException(StorageError.InvalidArgument, $"'{other}' is no kind of volume; allowed are filesystem and block"),
        }
        : source is { Snapshot: { } snapshot } ? snapshots.Get(snapshot).Kind
        : source is { Volume: { } original } ? volumes.Get(original).Kind
        : VolumeKind.Filesystem;

    private static HolderIdentity HolderOf(string reference) => reference.Length is > 0 and <= 128
        ? new HolderIdentity(Door.Cli, HolderKind.User, reference)
        : throw new StorageException(StorageError.InvalidArgument, "say who attaches the volume, in 1 to 128 characters");
}
