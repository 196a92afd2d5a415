namespace Lamina.Storage.Attachments;

/// <summary>A volume whose mounts are looked for.</summary>
/// <param name="Volume">The volume.</param>
/// <param name="Path">Where it is mounted in our own namespace.</param>
/// <param name="IsOfHost">Whether it is a directory of the host, which the host may have mounted for itself.</param>
internal readonly record struct MountedVolume(VolumeId Volume, string Path, bool IsOfHost);
