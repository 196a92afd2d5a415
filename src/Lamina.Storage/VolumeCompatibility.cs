using Lamina.Storage.Pools;

namespace Lamina.Storage;

/// <summary>Whether a volume that exists is what a repeated create asks for. The same means compatible, not equal: it may have grown since.</summary>
internal static class VolumeCompatibility
{
    /// <exception cref="StorageException"><see cref="StorageError.AlreadyExists"/>, naming the first difference.</exception>
    internal static void Check(Volume existing, VolumeRequest request, PoolSet pools)
    {
        // First of all: of what is another door's nobody here asks the rest.
        if (existing.Door != request.Door)
            throw new StorageException(StorageError.AlreadyExists, $"a volume '{request.Name}' exists already; it was made through {existing.Door}, not {request.Door}");
        var pool = pools.Resolve(existing.Id.Pool);
        var difference =
            Differs("another pool", pool.Name, request.Pool ?? pool.Name)
            ?? Differs("another pod", existing.Ephemeral?.PodDirectory, request.Ephemeral?.PodDirectory)
            ?? Differs("another source", existing.Source, request.Source)
            ?? Differs("another kind", existing.Kind, request.Kind)
            ?? Differs("other parameters", existing.Parameters, request.Parameters)
            ?? AttributesDiffer(existing, request.Attributes)
            ?? SizeDiffers(existing, request.Size, pool.Pool.Description)
            ?? FileSystemDiffers(existing, request, pool.Pool.Description)
            ?? (request.IsWantedHere ? null : "another place: it lies on this host, where it must not be");
        if (difference is not null)
            throw new StorageException(StorageError.AlreadyExists, $"a volume '{request.Name}' exists already, with {difference}");
    }

    private static string? Differs<T>(string what, T existing, T asked) =>
        EqualityComparer<T>.Default.Equals(existing, asked) ? null : $"{what}: {(object?)existing ?? "none"}, not {(object?)asked ?? "none"}";

    // Where none is asked for, a copy has its source's.
    private static string? FileSystemDiffers(Volume existing, VolumeRequest request, PoolDescription pool) =>
        (request.FileSystem is null && (existing.Source is not null || existing.FileSystem is null)) || pool.NameOf(existing.FileSystem) == request.FileSystem
            ? null
            : $"another filesystem: {pool.NameOf(existing.FileSystem)}, not {request.FileSystem ?? pool.Backend}";

    // As they were asked for at first, or as they are since.
    private static string? AttributesDiffer(Volume existing, VolumeAttributes asked)
    {
        var known = new[] { existing.CreatedAttributes, existing.Attributes }.Select(attributes => attributes ?? VolumeAttributes.None).ToList();
        return known.Exists(attributes => attributes.With(asked) == attributes) ? null : $"other attributes: {known[1]}, not {asked}";
    }

    private static string? SizeDiffers(Volume existing, SizeRange asked, PoolDescription pool)
    {
        // Whatever size is asked for, a directory of the host has none.
        if (pool.Features.HasFlag(PoolFeatures.HostDirectories))
            return null;
        var tooSmall = asked.Required is { } required && (existing.Size is null || existing.Size < required);
        var tooLarge = asked.Limit is { } limit && (existing.CreatedSize is null || existing.CreatedSize > limit);
        return tooSmall || tooLarge
            ? $"another size: {existing.Size?.ToString() ?? "no limit"}, not {Told(asked)}"
            : null;
    }

    private static string Told(SizeRange asked) => asked.Required == asked.Limit && asked.Limit is { } exactly
        ? exactly.ToString()
        : $"{asked.Required?.ToString() ?? "any"} to {asked.Limit?.ToString() ?? "any"}";
}
