namespace Lamina.Storage.Attachments;

/// <summary>A container engine. Several share a door, and none of them knows what the others hold.</summary>
/// <param name="Name">For people: <c>Docker</c>.</param>
/// <param name="CountsItself">
/// Whether it has one id for all its mounts and counts them itself, also over its own crashes: then what it holds is never taken for lost.
/// </param>
public sealed record ContainerEngine(string Name, bool CountsItself);
