namespace Lamina.Docker;

/// <summary>What the driver is.</summary>
/// <param name="Scope"><c>local</c>: each host has volumes of its own.</param>
internal sealed record DriverCapabilities(string Scope);
