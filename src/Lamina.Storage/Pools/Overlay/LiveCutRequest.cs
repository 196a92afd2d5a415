using Lamina.Storage.Pools.Cuts;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>What a live cut is of.</summary>
/// <param name="Volume">The volume, for messages and markers.</param>
/// <param name="MountPoint">Where it is mounted.</param>
/// <param name="Pool">The pool's directory: its filesystem is flushed before anybody is stopped.</param>
/// <param name="Source">The upper tree that the writers write to.</param>
/// <param name="Target">An empty directory on the same filesystem: the snapshot's layer.</param>
/// <param name="Limits">Whether writers may be stopped, and for how long.</param>
internal sealed record LiveCutRequest(
    VolumeId Volume, string MountPoint, SafeFileHandle Pool, SafeFileHandle Source, SafeFileHandle Target, PauseLimits Limits);
