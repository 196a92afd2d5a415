namespace Lamina.Storage.Pools;

/// <summary>A volume together with how it is used on this host just now.</summary>
/// <param name="Volume">The volume.</param>
/// <param name="MountPoint">Where it is mounted; null when it is not attached.</param>
public sealed record VolumeInUse(Volume Volume, string? MountPoint);
