using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Lamina.Storage;

/// <summary>A filesystem that a volume has for itself, in an image of the volume's size.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<VolumeFileSystem>))]
public enum VolumeFileSystem
{
    /// <summary>ext4.</summary>
    Ext4,

    /// <summary>XFS.</summary>
    Xfs,

    /// <summary>Btrfs, on one device.</summary>
    Btrfs,
}

/// <summary>The filesystems by the names that mount(8) and CSI have for them.</summary>
public static class VolumeFileSystemNames
{
    /// <summary><c>ext4</c>, <c>xfs</c> or <c>btrfs</c>.</summary>
    public static string Name(this VolumeFileSystem fileSystem) => fileSystem switch
    {
        VolumeFileSystem.Ext4 => "ext4",
        VolumeFileSystem.Xfs => "xfs",
        VolumeFileSystem.Btrfs => "btrfs",
        _ => throw new ArgumentOutOfRangeException(nameof(fileSystem), fileSystem, null),
    };

    /// <summary>Finds a filesystem by its name.</summary>
    public static bool TryParse(string? name, [NotNullWhen(true)] out VolumeFileSystem? fileSystem)
    {
        fileSystem = name switch
        {
            "ext4" => VolumeFileSystem.Ext4,
            "xfs" => VolumeFileSystem.Xfs,
            "btrfs" => VolumeFileSystem.Btrfs,
            _ => null,
        };
        return fileSystem is not null;
    }
}
