namespace Lamina.Storage.Pools;

/// <summary>What has failed on a device, ever, by the filesystem's own counters.</summary>
/// <param name="Device">Its path; its number where it is missing.</param>
/// <param name="Write">Writes.</param>
/// <param name="Read">Reads.</param>
/// <param name="Flush">Flushes.</param>
/// <param name="Corruption">Blocks whose checksum was wrong.</param>
/// <param name="Generation">Blocks that were not written when they should have been.</param>
public sealed record DeviceErrors(string Device, ulong Write, ulong Read, ulong Flush, ulong Corruption, ulong Generation);
