using System.Text.Json.Serialization;

namespace Lamina.Docker;

/// <summary>The body of any answer: each says some of it.</summary>
internal sealed record DriverResponse
{
    /// <summary>Of <c>Plugin.Activate</c>: the APIs that are spoken here.</summary>
    public IReadOnlyList<string>? Implements { get; init; }

    /// <summary>Of <c>Capabilities</c>.</summary>
    public DriverCapabilities? Capabilities { get; init; }

    /// <summary>Of <c>Get</c>.</summary>
    public DriverVolume? Volume { get; init; }

    /// <summary>Of <c>List</c>.</summary>
    public IReadOnlyList<DriverVolume>? Volumes { get; init; }

    /// <summary>Of <c>Mount</c> and <c>Path</c>.</summary>
    public string? Mountpoint { get; init; }

    /// <summary>What went wrong, for the person at the engine's command line; empty: nothing.</summary>
    public string Err { get; init; } = "";
}

/// <summary>What the driver is.</summary>
/// <param name="Scope"><c>local</c>: each host has volumes of its own.</param>
internal sealed record DriverCapabilities(string Scope);

/// <summary>A volume as the engines see it.</summary>
internal sealed record DriverVolume
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Where it is mounted; empty when it is not.</summary>
    public required string Mountpoint { get; init; }

    /// <summary>When it was made, as RFC 3339 has it.</summary>
    public required string CreatedAt { get; init; }

    /// <summary>What <c>docker volume inspect</c> shows besides; of one volume only, not of all in a list.</summary>
    public DriverVolumeStatus? Status { get; init; }
}

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
