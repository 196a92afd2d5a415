using System.Globalization;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>What a volume's size, parameters and attributes are as properties of its dataset, and back.</summary>
internal static class DatasetProperties
{
    /// <summary>The attributes that can be changed.</summary>
    internal static string[] Mutable => [VolumeAttributes.CompressionKey, VolumeAttributes.RecordSizeKey, VolumeAttributes.AccessTimeKey, VolumeAttributes.LogBiasKey];

    /// <summary>Refuses what this ZFS can't do, or what contradicts itself.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>.</exception>
    internal static void Check(Volume volume, ZfsDialect dialect)
    {
        if (volume.IsImage && !dialect.HasDevices)
            throw new StorageException(StorageError.Unsupported, $"volume '{volume.Name}' would be a block device, and {dialect} has none; OpenZFS has");
        if (volume.IsImage)
            ZvolProperties.SizeOf(volume);
        if (volume.Parameters.Reserve == true && volume.Size is null)
            throw new StorageException(StorageError.InvalidArgument, "the parameter 'reserve' sets the volume's size aside for it, so it needs a size");
        if ((volume.Attributes?.RecordSize ?? volume.Parameters.RecordSize) is { } size && size > dialect.MaxRecordSize)
            throw new StorageException(StorageError.InvalidArgument, $"the recordsize {size} is more than {dialect} takes; at most {dialect.MaxRecordSize}");
    }

    /// <summary>The attributes that can be changed of a volume that is a block device.</summary>
    internal static string[] MutableOfDevices => [VolumeAttributes.CompressionKey, VolumeAttributes.LogBiasKey];

    /// <summary>What <c>zfs create</c> is told besides properties.</summary>
    internal static IEnumerable<string> ShapeOf(Volume volume) => volume.IsImage ? ZvolProperties.ShapeOf(volume) : [];

    /// <summary>All that a new dataset has: not mounted by anybody else, with limits and settings. The size of a zvol is its shape.</summary>
    internal static IEnumerable<(string Name, string Value)> OfNew(Volume volume) =>
        [.. volume.IsImage ? ZvolProperties.OfNew : [("canmount", "noauto"), ("mountpoint", "none"), .. SizeOf(volume)], .. SettingsOf(volume), .. NamesOf(volume.Attributes)];

    /// <summary>All that a copy has, whose shape is that of its source.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="source">The size of its source.</param>
    internal static IEnumerable<(string Name, string Value)> OfCopy(Volume volume, ByteSize? source) =>
        volume.IsImage ? [.. SizeOf(volume).Where(size => size.Name != ZvolProperties.Size || volume.Size != source), .. OfNew(volume)] : OfNew(volume);

    /// <summary>The limit, and what is set aside.</summary>
    internal static IEnumerable<(string Name, string Value)> SizeOf(Volume volume) => volume.IsImage ? ZvolProperties.SizeOfExisting(volume) : QuotaOf(volume);

    /// <summary>The attributes that were asked for, as ZFS has them now; null when none ever was.</summary>
    internal static VolumeAttributes? ReadAttributes(ZfsObject dataset)
    {
        if (dataset.Own(ZfsRecords.Attributes) is not { } names)
            return null;
        var attributes = VolumeAttributes.None;
        foreach (var name in names.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var value = dataset.Value(name) ?? throw new FormatException($"it has no {name}");
            attributes = attributes.With(name switch
            {
                VolumeAttributes.CompressionKey => VolumeAttributes.None with { Compression = value == "off" ? "none" : value },
                VolumeAttributes.RecordSizeKey => VolumeAttributes.None with { RecordSize = dataset.Size(name) },
                VolumeAttributes.AccessTimeKey => VolumeAttributes.None with { AccessTime = value == "on" },
                VolumeAttributes.LogBiasKey => VolumeAttributes.None with { LogBias = value },
                _ => throw new FormatException($"it says that its attribute '{name}' was asked for, which this daemon does not know"),
            });
        }
        return attributes;
    }

    private static IEnumerable<(string Name, string Value)> QuotaOf(Volume volume)
    {
        var size = volume.Size is { } bytes ? bytes.Bytes.ToString(CultureInfo.InvariantCulture) : "none";
        yield return ("refquota", size);
        if (volume.Parameters.Reserve == true)
            yield return ("refreservation", size);
    }

    /// <summary>The attributes and parameters that ZFS has, as they are to be from now on.</summary>
    internal static IEnumerable<(string Name, string Value)> SettingsOf(Volume volume)
    {
        var (parameters, attributes) = (volume.Parameters, volume.Attributes ?? VolumeAttributes.None);
        if ((attributes.Compression ?? parameters.Compression) is { } compression)
            yield return (VolumeAttributes.CompressionKey, compression == "none" ? "off" : compression);
        if ((attributes.RecordSize ?? parameters.RecordSize) is { } recordSize)
            yield return (VolumeAttributes.RecordSizeKey, recordSize.Bytes.ToString(CultureInfo.InvariantCulture));
        if ((attributes.AccessTime ?? parameters.AccessTime) is { } accessTime)
            yield return (VolumeAttributes.AccessTimeKey, accessTime ? "on" : "off");
        if ((attributes.LogBias ?? parameters.LogBias) is { } logBias)
            yield return (VolumeAttributes.LogBiasKey, logBias);
    }

    /// <summary>Which attributes were asked for.</summary>
    internal static IEnumerable<(string Name, string Value)> NamesOf(VolumeAttributes? attributes) =>
        attributes is not null ? [(ZfsRecords.Attributes, string.Join(' ', attributes.ToDictionary().Keys))] : [];
}
