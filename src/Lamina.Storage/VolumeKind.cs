using System.Text.Json.Serialization;

namespace Lamina.Storage;

/// <summary>How a volume is used.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<VolumeKind>))]
public enum VolumeKind
{
    /// <summary>A directory tree.</summary>
    Filesystem,

    /// <summary>A raw block device.</summary>
    Block,
}
