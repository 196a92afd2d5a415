using System.Text.Json.Serialization;

namespace Lamina.Storage;

/// <summary>The front door that made an object or holds a volume. Doors keep to their own.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Door>))]
public enum Door
{
    /// <summary>The Kubernetes CSI API.</summary>
    Csi,

    /// <summary>The command line, by the admin API.</summary>
    Cli,

    /// <summary>The Docker and Podman volume plugin API.</summary>
    Docker,
}
