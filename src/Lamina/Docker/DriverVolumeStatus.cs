using System.Text.Json.Serialization;

namespace Lamina.Docker;

/// <summary>What there is to know of a volume.</summary>
internal sealed record DriverVolumeStatus
{
    /// <summary>Its pool's name.</summary>
    [JsonPropertyName("pool")]
    public required string Pool { get; init; }

    /// <summary>The size that it was promised.</summary>
    [JsonPropertyName("size")]
    public string? Size { get; init; }

    /// <summary>What its files take.</summary>
    [JsonPropertyName("used")]
    public string? Used { get; init; }

    /// <summary>The snapshot or volume that it was made from, or the host directory that it is.</summary>
    [JsonPropertyName("source")]
    public string? Source { get; init; }

    /// <summary>The names of its snapshots.</summary>
    [JsonPropertyName("snapshots")]
    public required IReadOnlyList<string> Snapshots { get; init; }
}
