using System.Globalization;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>What a volume that is a block device is as properties of its zvol. <see cref="DatasetProperties"/> has what it shares with all others.</summary>
internal static class ZvolProperties
{
    /// <summary>
    /// Whether it has a device. ZFS makes the device before it sets the properties that a command has for a new one, and when this is another one then, it
    /// takes the device away and makes it anew some time later: by a name that may be no more.
    /// </summary>
    internal const string Mode = "volmode";

    /// <summary>One of which the kernel looks for no partitions.</summary>
    internal const string Shown = "dev";

    /// <summary>Its size. To set that of an encrypted one, ZFS needs the key, even for a copy.</summary>
    internal const string Size = "volsize";

    /// <summary>The size of the blocks, for ever.</summary>
    internal const string BlockSize = "volblocksize";

    /// <summary>What versions of OpenZFS give it by themselves differs, so it is always said.</summary>
    internal static readonly ByteSize DefaultBlockSize = new(16 << 10);

    /// <summary>
    /// What the size of each is a multiple of: the largest blocks that the parameter can ask for, so that a copy can be made of anything in any size.
    /// </summary>
    internal static readonly ByteSize SizeUnit = VolumeParameters.LargestVolumeBlock;

    /// <summary>The size that it must have.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: there is none, or it can't be one.</exception>
    internal static ByteSize SizeOf(Volume volume) => volume.Size is not { } size
        ? throw new StorageException(StorageError.InvalidArgument, $"volume '{volume.Name}' is a block device and needs a size")
        : size.Bytes > 0 && size.Bytes % SizeUnit.Bytes == 0 ? size
        : throw new StorageException(StorageError.InvalidArgument, $"volume '{volume.Name}' is a block device of ZFS, and {size.Bytes} bytes is not a multiple of {SizeUnit.Bytes}");

    /// <summary>What <c>zfs create</c> is told besides properties. What is not sparse has all that writing it full could take set aside, by the reckoning of ZFS.</summary>
    internal static IEnumerable<string> ShapeOf(Volume volume) =>
        [.. volume.Parameters.Reserve == true ? Enumerable.Empty<string>() : ["-s"], "-V", Number(SizeOf(volume)), "-o", $"{BlockSize}={Number(volume.Parameters.VolumeBlockSize ?? DefaultBlockSize)}"];

    /// <summary>What a new one has. How it is shown it has from the pool's root, as that is so from the first moment on.</summary>
    internal static IEnumerable<(string Name, string Value)> OfNew => [("snapdev", "hidden")];

    /// <summary>The size of a copy or of one that is there, and what is set aside for it, by the reckoning of ZFS.</summary>
    internal static IEnumerable<(string Name, string Value)> SizeOfExisting(Volume volume)
    {
        yield return (Size, Number(SizeOf(volume)));
        if (volume.Parameters.Reserve == true)
            yield return ("refreservation", "auto");
    }

    private static string Number(ByteSize size) => size.Bytes.ToString(CultureInfo.InvariantCulture);
}
