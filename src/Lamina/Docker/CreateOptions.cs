using Lamina.Storage;

namespace Lamina.Docker;

/// <summary>Reads the options of <c>docker volume create -o</c>.</summary>
internal sealed class CreateOptions(VolumeService volumes, SnapshotService snapshots)
{
    private const string Size = "size";
    private const string From = "from";
    private const string Clone = "clone";
    private const string FileSystem = "fsType";
    private const string Type = "type";
    internal const string Source = "source";
    private const string Known = $"{Size}, {VolumeParameters.PoolKey}, {From}, {Clone}, {FileSystem}, {VolumeAttributes.CompressionKey}, and {Type}={Bind} with {Source}";
    private const string Bind = "bind";

    private static readonly HashSet<string> s_keys =
        [Size, VolumeParameters.PoolKey, From, Clone, FileSystem, VolumeAttributes.CompressionKey, Type, Source];

    /// <summary>Reads a request for a volume.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.InvalidArgument"/>: an unknown option, a bad value, or two that can't be together. <see cref="StorageError.NotFound"/>: the source.
    /// </exception>
    internal VolumeRequest Parse(string name, IReadOnlyDictionary<string, string?> options)
    {
        if (options.Keys.FirstOrDefault(key => !s_keys.Contains(key)) is { } unknown)
            throw Invalid($"unknown option '{unknown}'; known are {Known}");
        if (options.FirstOrDefault(option => string.IsNullOrEmpty(option.Value)).Key is { } empty)
            throw Invalid($"the option '{empty}' has no value");
        CheckTogether(options);
        return new VolumeRequest
        {
            Name = name,
            Door = Door.Docker,
            Pool = options.GetValueOrDefault(VolumeParameters.PoolKey) is { } pool ? IStorageValue<PoolName>.Parse(pool) : null,
            Size = options.GetValueOrDefault(Size) is { } size ? ParseSize(size) : SizeRange.Any,
            FileSystem = options.GetValueOrDefault(FileSystem),
            Source = SourceOf(options),
            Parameters = VolumeParameters.Parse(options.Where(option => option.Key is VolumeAttributes.CompressionKey or Source)!),
        };
    }

    private static void CheckTogether(IReadOnlyDictionary<string, string?> options)
    {
        if (options.GetValueOrDefault(Type) is { } type && type != Bind)
            throw Invalid($"the option '{Type}' is '{type}'; allowed is {Bind}, with {Source}=<host directory>. The filesystem of a volume is asked for by {FileSystem}");
        if (options.GetValueOrDefault(VolumeParameters.PoolKey) == PoolName.Bind.ToString())
            throw Invalid($"the option '{VolumeParameters.PoolKey}' is '{PoolName.Bind}', which are host directories: ask for one by {Type}={Bind} with {Source}=<host directory>, and leave the pool out");
        if (options.ContainsKey(Type) != options.ContainsKey(Source))
            throw Invalid($"a bind volume takes both {Type}={Bind} and {Source}=<host directory>");
        if (options.ContainsKey(From) && options.ContainsKey(Clone))
            throw Invalid($"a volume begins as one thing: ask for {From}=<snapshot> or for {Clone}=<volume>");
        if (options.ContainsKey(Source) && options.Keys.FirstOrDefault(key => key is not (Type or Source)) is { } other)
            throw Invalid($"a bind volume is a directory of the host as it is; the option '{other}' is not for it");
    }

    // Exactly that size: the same name with another one is another volume.
    private static SizeRange ParseSize(string text) => ByteSize.Parse(text) is { Bytes: > 0 } size
        ? new SizeRange(size, size)
        : throw Invalid($"the option '{Size}' is '{text}'; leave it out for a volume without a limit, or say one such as 10Gi");

    private VolumeSource? SourceOf(IReadOnlyDictionary<string, string?> options) =>
        options.GetValueOrDefault(From) is { } snapshot ? VolumeSource.From(Snapshot(snapshot).Id)
        : options.GetValueOrDefault(Clone) is { } volume ? VolumeSource.From(Volume(volume).Id)
        : null;

    // Whoever may talk to the engine must not come by a pod's data with the right guess at a name. What a person has made of it by the command line is theirs
    // to hand on; but a snapshot of a pod's volume, by whomever, is the pod's data as it is. The answer is as if there were none.
    private Snapshot Snapshot(string nameOrId)
    {
        var snapshot = snapshots.GetByNameOrId(nameOrId);
        var isOfAPod = (snapshot.SourceDoor ?? volumes.FindKnown(snapshot.SourceVolume)?.Door) == Door.Csi;
        return snapshot.Door != Door.Csi && !isOfAPod ? snapshot : throw NotFound("snapshot", SnapshotId.TryParse(nameOrId, out _) ? nameOrId : $"'{nameOrId}'");
    }

    private Volume Volume(string nameOrId) => volumes.GetByNameOrId(nameOrId) is { Door: not Door.Csi } volume
        ? volume
        : throw NotFound("volume", VolumeId.TryParse(nameOrId, out _) ? nameOrId : $"'{nameOrId}'");

    private static StorageException NotFound(string what, string named) => new(StorageError.NotFound, $"there is no {what} {named}");

    private static StorageException Invalid(string message) => new(StorageError.InvalidArgument, message);
}
