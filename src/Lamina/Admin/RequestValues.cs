using System.Collections.Immutable;
using Lamina.Storage;

namespace Lamina.Admin;

/// <summary>Turns the values of requests into the domain's, with the domain's own refusals.</summary>
internal static class RequestValues
{
    /// <summary>A size that was sent, or none.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: it is negative.</exception>
    internal static ByteSize? Size(bool present, long bytes, string field)
    {
        if (!present)
            return null;
        return bytes >= 0 ? new ByteSize(bytes) : throw new StorageException(StorageError.InvalidArgument, $"{field} is {bytes}; a size is never negative");
    }

    /// <summary>The size of a volume that was sent, or none.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: it is negative, or nothing could be in it.</exception>
    internal static ByteSize? VolumeSize(bool present, long bytes) => present && bytes == 0
        ? throw new StorageException(StorageError.InvalidArgument, "the size is 0; leave it out for a volume without a limit, or say one such as 10Gi")
        : Size(present, bytes, "the size");

    /// <summary>The labels that were sent.</summary>
    internal static ImmutableSortedDictionary<string, string> Labels(IEnumerable<KeyValuePair<string, string>> labels) =>
        labels.ToImmutableSortedDictionary(StringComparer.Ordinal);
}
