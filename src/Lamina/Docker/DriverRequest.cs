using System.Text.Json.Serialization;
using Lamina.Storage.Attachments;

namespace Lamina.Docker;

/// <summary>The body of any call: each says some of it.</summary>
internal sealed record DriverRequest
{
    /// <summary>The volume's name. Nobody has looked at it before.</summary>
    public string? Name { get; init; }

    /// <summary>The options of a create.</summary>
    public Dictionary<string, string?>? Opts { get; init; }

    /// <summary>Who mounts or unmounts. Docker has an id for each mount of a container, and Podman one for all.</summary>
    public string? ID { get; init; }

    /// <summary>Which engine asks. That stands in no body.</summary>
    [JsonIgnore]
    public ContainerEngine Engine { get; init; } = Engines.Docker;
}
