namespace Lamina.Docker;

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
