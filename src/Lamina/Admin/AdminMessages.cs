using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Storage.Operations;
using Lamina.Storage.Pools;
using Timestamp = Google.Protobuf.WellKnownTypes.Timestamp;

namespace Lamina.Admin;

/// <summary>Writes the domain's objects as the messages of the admin API.</summary>
internal sealed class AdminMessages(PoolSet pools, Catalog catalog, AttachmentService attachments)
{
    /// <summary>A pool, served or not.</summary>
    internal V1.Pool Of(PoolStatus status)
    {
        var settings = status.Settings;
        var message = new V1.Pool
        {
            Name = settings.Name.ToString(),
            Backend = NameOf(settings.Backend),
            Path = settings.Path,
            Default = settings.IsDefault,
            Loaded = status.Loaded is not null,
            MinFreeBytes = settings.MinFree.Bytes,
            LiveSnapshot = settings.PauseWriters ? "pause" : "refuse",
            MaxPauseSeconds = settings.MaxPause.TotalSeconds,
        };
        if (settings.Image is { } image)
            message.Image = image;
        if (settings.DefaultSize is { } size)
            message.DefaultSizeBytes = size.Bytes;
        if (settings.Overcommit is { } overcommit)
            message.Overcommit = overcommit;
        if (status.Problem is { } problem)
            message.Problem = problem;
        if (status.Loaded is { } pool)
            Describe(message, pool);
        return message;
    }

    /// <summary>A volume with its use.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="devices">The block devices of all volumes that have one, for whoever asks for many; null: looked up.</param>
    internal V1.Volume Of(Volume volume, IReadOnlyDictionary<VolumeId, string>? devices = null)
    {
        var message = new V1.Volume
        {
            Id = volume.Id.ToString(),
            Name = volume.Name,
            Pool = PoolNameOf(volume.Id.Pool),
            Kind = Lower(volume.Kind),
            Door = Lower(volume.Door),
            CreatedAt = Timestamp.FromDateTimeOffset(volume.CreatedAt),
            Snapshots = catalog.SnapshotsOf(volume.Id).LongCount(),
        };
        if (volume.Size is { } size)
            message.SizeBytes = size.Bytes;
        if (UsageOf(volume) is { } usage)
            message.Usage = usage;
        if (volume.FileSystem is { } fileSystem)
            message.FileSystem = fileSystem.Name();
        if (volume.Source is { Snapshot: { } snapshot })
            message.Source = new V1.Source { Snapshot = snapshot.ToString() };
        if (volume.Source is { Volume: { } cloned })
            message.Source = new V1.Source { Volume = cloned.ToString() };
        if (attachments.MountPointOf(volume.Id) is { } path)
            message.Path = path;
        if (volume.IsImage && message.HasPath && (devices ?? attachments.Survey().Devices).GetValueOrDefault(volume.Id) is { } device && BlockStatistics.Find(device) is { } io)
            message.Io = Of(device, io);
        message.Parameters.Add(ParametersOf(volume.Parameters));
        message.Attributes.Add((volume.Attributes ?? VolumeAttributes.None).ToDictionary());
        message.Labels.Add(volume.Labels);
        message.Holders.Add(attachments.HoldersOf(volume.Id).Select(Of));
        return message;
    }

    /// <summary>A snapshot.</summary>
    internal V1.Snapshot Of(Snapshot snapshot)
    {
        var message = new V1.Snapshot
        {
            Id = snapshot.Id.ToString(),
            Name = snapshot.Name,
            Pool = PoolNameOf(snapshot.Id.Pool),
            Volume = snapshot.SourceVolume.ToString(),
            Door = Lower(snapshot.Door),
            CreatedAt = Timestamp.FromDateTimeOffset(snapshot.CreatedAt),
        };
        if (SourceOf(snapshot) is { } source)
            message.VolumeName = source.Name;
        if (snapshot.Size is { } size)
            message.SizeBytes = size.Bytes;
        if (ExclusiveOf(snapshot) is { } exclusive)
            message.ExclusiveBytes = exclusive.Bytes;
        if (snapshot.Pause is { } pause)
            message.PauseSeconds = pause.TotalSeconds;
        if (snapshot.Group is { } group)
            (message.Group, message.GroupId) = (group.Name, group.Id.ToString());
        message.Labels.Add(snapshot.Labels);
        return message;
    }

    /// <summary>A group of snapshots.</summary>
    internal V1.SnapshotGroup Of(SnapshotGroup group)
    {
        var message = new V1.SnapshotGroup
        {
            Id = group.Id.ToString(),
            Name = group.Name,
            Door = Lower(group.Door),
            CreatedAt = Timestamp.FromDateTimeOffset(group.CreatedAt),
        };
        if (group.Pause is { } pause)
            message.PauseSeconds = pause.TotalSeconds;
        message.Volumes.Add(group.Membership.Volumes.Select(volume => volume.ToString()));
        message.Snapshots.Add(group.Snapshots.Select(Of));
        message.Labels.Add(group.Snapshots[0].Labels);
        return message;
    }

    /// <summary>The volume that a snapshot was cut from; null when it is gone, even if another one has its name since.</summary>
    internal Volume? SourceOf(Snapshot snapshot) =>
        catalog.Find(snapshot.SourceVolume) is { } volume && snapshot.IsOf(volume) ? volume : null;

    /// <summary>The name of a pool that holds an object.</summary>
    internal string PoolNameOf(PoolId id) => pools.TryResolve(id, out var pool) ? pool.Name.ToString() : id.ToString();

    /// <summary>What a volume uses; null where nothing is known.</summary>
    internal V1.Usage? UsageOf(Volume volume)
    {
        if (!pools.TryResolve(volume.Id.Pool, out var pool) || pool.Pool.GetUsage(volume) is not { } usage)
            return null;
        var message = new V1.Usage { UsedBytes = usage.Used.Bytes, MeasuredAt = Timestamp.FromDateTimeOffset(usage.MeasuredAt) };
        if (usage.Inodes is { } inodes)
            message.Inodes = inodes;
        if (usage.Snapshots is { } snapshots)
            message.SnapshotsBytes = snapshots.Bytes;
        if (usage.Written is { } written)
            message.WrittenBytes = written.Bytes;
        if (usage.Uncompressed is { } uncompressed)
            message.UncompressedBytes = uncompressed.Bytes;
        return message;
    }

    /// <summary>What a snapshot alone holds; null where nothing is known.</summary>
    internal ByteSize? ExclusiveOf(Snapshot snapshot) =>
        pools.TryResolve(snapshot.Id.Pool, out var pool) ? pool.Pool.GetUsage(snapshot)?.Exclusive : null;

    /// <summary>A backend's name as the configuration writes it.</summary>
    internal static string NameOf(PoolBackend backend) => Lower(backend);

    private void Describe(V1.Pool message, LoadedPool pool)
    {
        var description = pool.Pool.Description;
        message.Id = pool.Id.ToString();
        if (description.FileSystem.Length > 0)
            message.FileSystem = description.FileSystem;
        var problems = pools.FindProblems(pool);
        if (pool.TryGetCapacity(out var capacity, out var problem))
            (message.SizeBytes, message.AvailableBytes) = (capacity.Total.Bytes, capacity.Available.Bytes);
        else
            problems = [.. problems, problem];
        message.PromisedBytes = catalog.PromisedBy(pool.Id).Bytes;
        message.Volumes = catalog.Volumes().LongCount(volume => volume.Id.Pool == pool.Id);
        message.Snapshots = catalog.Snapshots().LongCount(snapshot => snapshot.Id.Pool == pool.Id);
        message.Limits = description.Features.HasFlag(PoolFeatures.HostDirectories) ? "none"
            : description.Features.HasFlag(PoolFeatures.HardLimits) ? "hard"
            : "advisory";
        message.Features.Add(System.Enum.GetValues<PoolFeatures>()
            .Where(feature => feature != PoolFeatures.None && description.Features.HasFlag(feature)).Select(CamelCase));
        message.VolumeFileSystems.Add(description.FileSystems.Select(fileSystem => fileSystem.Name()));
        message.Warnings.Add(description.Warnings);
        if (pool.Pool.Health.Fragmentation is { } fragmentation)
            message.FragmentationPercent = fragmentation;
        if (pool.Pool.Health.DeviceErrors is { } errors)
            message.DeviceErrors = errors;
        if (DiskOf(pool) is { } disk)
            message.Disk = Of("", disk);
        if (problems.Count > 0)
            message.Problem = string.Join("; ", problems);
        message.Unreadable.Add(pool.Unreadable.Select(record => new V1.UnreadableRecord { Path = record.Path, Reason = record.Reason }));
    }

    /// <summary>An operation that is under way.</summary>
    internal static V1.Operation Of(RunningOperation operation)
    {
        var message = new V1.Operation { What = operation.What, Since = Timestamp.FromDateTimeOffset(operation.Since) };
        if (operation.Progress is { } progress)
            (message.DoneBytes, message.TotalBytes) = (progress.Done.Bytes, progress.Total.Bytes);
        return message;
    }

    private static V1.DeviceUse Of(string device, BlockStatistics use) => new()
    {
        Device = device,
        Reads = use.Reads,
        ReadBytes = use.ReadBytes,
        Writes = use.Writes,
        WrittenBytes = use.WrittenBytes,
        BusySeconds = use.Busy.TotalSeconds,
    };

    // What is wrong with it is said by its problems.
    private static BlockStatistics? DiskOf(LoadedPool pool)
    {
        try
        {
            return pool.Pool.GetFigures().Disk;
        }
        catch (StorageException)
        {
            return null;
        }
    }

    private static V1.Holder Of(Holder holder) => new()
    {
        Door = Lower(holder.Door),
        Kind = Lower(holder.Kind),
        Reference = holder.Reference,
        ReadOnly = holder.ReadOnly,
        Since = Timestamp.FromDateTimeOffset(holder.Since),
    };

    // The inverse of VolumeParameters.Parse.
    private static Dictionary<string, string> ParametersOf(VolumeParameters parameters)
    {
        var values = new Dictionary<string, string>();
        if (parameters.Uid is { } uid)
            values["uid"] = FormattableString.Invariant($"{uid}");
        if (parameters.Gid is { } gid)
            values["gid"] = FormattableString.Invariant($"{gid}");
        if (parameters.Mode is { } mode)
            values["mode"] = "0" + Convert.ToString(mode, 8).PadLeft(3, '0');
        if (parameters.Compression is { } compression)
            values["compression"] = compression;
        if (parameters.CopyOnWrite is { } copyOnWrite)
            values["copyOnWrite"] = copyOnWrite ? "true" : "false";
        if (parameters.RecordSize is { } recordSize)
            values[VolumeAttributes.RecordSizeKey] = recordSize.ToString();
        if (parameters.VolumeBlockSize is { } volumeBlockSize)
            values[VolumeParameters.VolumeBlockSizeKey] = volumeBlockSize.ToString();
        if (parameters.AccessTime is { } accessTime)
            values[VolumeAttributes.AccessTimeKey] = accessTime ? "on" : "off";
        if (parameters.LogBias is { } logBias)
            values[VolumeAttributes.LogBiasKey] = logBias;
        if (parameters.Reserve is { } reserve)
            values["reserve"] = reserve ? "true" : "false";
        if (parameters.Encryption is { } encryption)
            values["encryption"] = encryption;
        if (parameters.Source is { } source)
            values["source"] = source.ToString();
        return values;
    }

    private static string Lower<T>(T value)
        where T : struct, System.Enum => value.ToString().ToLowerInvariant();

    private static string CamelCase<T>(T value)
        where T : struct, System.Enum => value.ToString() is var text ? char.ToLowerInvariant(text[0]) + text[1..] : "";
}
