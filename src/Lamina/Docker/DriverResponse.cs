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
