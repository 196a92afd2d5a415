using Lamina.Linux;
using Lamina.Storage.Pools;

namespace Lamina.Storage;

/// <summary>The rules for volumes whose data is one image: raw devices, and volumes with a filesystem of their own.</summary>
internal static class ImageVolumes
{
    /// <summary>The size of an image when nobody says one.</summary>
    internal static readonly ByteSize DefaultSize = ByteSize.FromGibibytes(1);

    /// <summary>The smallest image: for a filesystem what its tool asks for, with some room to live in.</summary>
    internal static ByteSize MinimumSize(VolumeFileSystem? fileSystem) => fileSystem switch
    {
        VolumeFileSystem.Ext4 => ByteSize.FromMebibytes(16),
        VolumeFileSystem.Xfs => ByteSize.FromMebibytes(300),
        // The kernel grows no Btrfs to less.
        VolumeFileSystem.Btrfs => ByteSize.FromMebibytes(256),
        _ => new ByteSize(1),
    };

    /// <summary>The smallest volume of a sort; a directory can have any size.</summary>
    internal static ByteSize SmallestSize(PoolDescription pool, VolumeKind kind, VolumeFileSystem? fileSystem) =>
        kind == VolumeKind.Block || fileSystem is not null ? RoundUp(pool, MinimumSize(fileSystem), null) : new ByteSize(1);

    /// <summary>The filesystem of its own that a new volume gets; null: none. A copy has its source's.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: the pool can't, or the source has another.</exception>
    internal static VolumeFileSystem? FileSystemFor(VolumeRequest request, PoolDescription pool, VolumeContent content)
    {
        if (ObstacleIn(pool, request.Kind, request.FileSystem) is { } obstacle)
            throw new StorageException(StorageError.InvalidArgument, obstacle);
        var fileSystem = pool.FileSystemNamed(request.FileSystem);
        if (SourceOf(content) is var (kind, had))
        {
            if (kind != request.Kind)
                throw new StorageException(StorageError.InvalidArgument, $"{request.Source} is a {kind} volume and can't become a {request.Kind} volume");
            if (request.FileSystem is not null && fileSystem != had)
            {
                throw new StorageException(StorageError.InvalidArgument,
                    $"{request.Source} has the filesystem {pool.NameOf(had)}, and so has every copy of it: it can't become {request.FileSystem}. Leave the filesystem empty");
            }
            fileSystem = had;
        }
        return ObstacleTo(pool, request.Parameters, request.Kind, fileSystem) is { } refused ? throw new StorageException(StorageError.InvalidArgument, refused) : fileSystem;
    }

    /// <summary>Why a pool has no such volumes; null when it has.</summary>
    internal static string? ObstacleIn(PoolDescription pool, VolumeKind kind, string? fileSystem) =>
        kind != VolumeKind.Block ? pool.ObstacleTo(fileSystem)
        : pool.ObstacleToDevices is { } obstacle ? obstacle
        : fileSystem is not null ? $"a raw block volume has no filesystem: leave '{fileSystem}' out, or ask for a mounted volume"
        : null;

    /// <summary>Why a volume of that sort can't have these parameters; null when it can.</summary>
    internal static string? ObstacleTo(PoolDescription pool, VolumeParameters parameters, VolumeKind kind, VolumeFileSystem? fileSystem) =>
        kind == VolumeKind.Block || fileSystem is not null ? ObstacleToDevice(pool, parameters, kind)
        : parameters.VolumeBlockSize is not null ? $"the parameter {VolumeParameters.VolumeBlockSizeKey} is for raw block volumes and volumes with a filesystem of their own; a directory has recordsize"
        : null;

    /// <summary>The size to make, a multiple of the sector, and large enough for the filesystem.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.OutOfRange"/>: the limit lies below what is possible.</exception>
    internal static ByteSize ChooseSize(PoolDescription pool, SizeRange range, ByteSize? fallback, VolumeFileSystem? fileSystem)
    {
        var minimum = RoundUp(pool, MinimumSize(fileSystem), null);
        if (range.Limit is { } limit && limit < minimum)
            throw new StorageException(StorageError.OutOfRange, $"{fileSystem?.Name() ?? "a raw block volume"} needs at least {minimum}, and the limit is {limit}");
        var size = range.Choose(fallback ?? DefaultSize)!.Value;
        return size < minimum ? minimum : range.Required is null && range.Limit is { } most ? RoundDown(pool, size, most) : RoundUp(pool, size, range.Limit);
    }

    /// <summary>The next size that a device can have.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.OutOfRange"/>: it lies above the limit.</exception>
    internal static ByteSize RoundUp(PoolDescription pool, ByteSize size, ByteSize? limit)
    {
        foreach (var unit in pool.DeviceSizeUnits)
        {
            var left = size.Bytes % unit;
            if (left == 0)
                return size;
            if (size.Bytes <= long.MaxValue - unit && new ByteSize(size.Bytes - left + unit) is var rounded && (limit is not { } most || rounded <= most))
                return rounded;
        }
        throw new StorageException(StorageError.OutOfRange, $"no multiple of {pool.DeviceSizeUnits[^1]} bytes, as every device in pool '{pool.Name}' is, lies between {size.Bytes} and {limit?.Bytes ?? long.MaxValue} bytes");
    }

    /// <summary>How full it is: by its own filesystem where it is mounted, else by what its image takes.</summary>
    internal static VolumeStatistics Statistics(Volume volume, VolumeUsage? usage, FileSystemStatus? mounted, PoolCapacity pool)
    {
        var size = volume.Size ?? ByteSize.Zero;
        // Whoever writes to a raw device decides what of it is used; that a block was written once says nothing.
        if (volume.Kind == VolumeKind.Block)
            return new VolumeStatistics(new VolumeSpace(size, ByteSize.Zero, ByteSize.Zero), 0, 0, null);
        if (mounted is not { } status)
        {
            var used = usage?.Used ?? ByteSize.Zero;
            var free = Math.Min(Math.Max(0, size.Bytes - used.Bytes), pool.Available.Bytes);
            return new VolumeStatistics(new VolumeSpace(size, new ByteSize(free), used), 0, 0, null);
        }
        var space = new VolumeSpace(
            size, new ByteSize(Math.Min((long)status.AvailableBytes, pool.Available.Bytes)), new ByteSize((long)(status.TotalBytes - status.FreeBytes)));
        // A Btrfs has no fixed number of inodes, and does not count them.
        return new VolumeStatistics(space, (long)status.TotalInodes, (long)status.FreeInodes, status.TotalInodes > 0 ? (long)(status.TotalInodes - status.FreeInodes) : null);
    }

    private static string? ObstacleToDevice(PoolDescription pool, VolumeParameters parameters, VolumeKind kind) =>
        kind == VolumeKind.Block && (parameters.Uid is not null || parameters.Gid is not null || parameters.Mode is not null)
            ? "the parameters uid, gid and mode are for the root directory of a volume, and a raw block volume has none"
        : (!pool.HasZvols && parameters.Compression is not null) || parameters.CopyOnWrite is not null
            ? "the parameters compression and copyOnWrite are for directories of a Btrfs; a volume in an image of its own has none"
        : parameters.RecordSize is not null || parameters.AccessTime is not null
            ? $"the parameters recordsize and atime are for directories of a zfs pool; a block device there has {VolumeParameters.VolumeBlockSizeKey}"
        : null;

    // What nobody required may as well be a little less.
    private static ByteSize RoundDown(PoolDescription pool, ByteSize size, ByteSize limit) =>
        size < limit ? RoundUp(pool, size, limit) : new ByteSize(size.Bytes - (size.Bytes % pool.DeviceSizeUnits[0]));

    private static (VolumeKind Kind, VolumeFileSystem? FileSystem)? SourceOf(VolumeContent content) => content switch
    {
        VolumeContent.OfSnapshot of => (of.Snapshot.Kind, of.Snapshot.FileSystem),
        VolumeContent.OfVolume of => (of.Volume.Volume.Kind, of.Volume.Volume.FileSystem),
        _ => null,
    };
}
