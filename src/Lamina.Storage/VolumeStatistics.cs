namespace Lamina.Storage;

/// <summary>How full a volume is, in the volume's own terms where they are known.</summary>
/// <param name="Space">Its bytes; those of the filesystem beneath where nothing is known of what the volume uses.</param>
/// <param name="TotalInodes">How many files the filesystem can hold; 0 where there is no fixed number.</param>
/// <param name="FreeInodes">How many more it can hold; 0 where there is no fixed number.</param>
/// <param name="UsedInodes">How many files the volume has; null where that is not known.</param>
public sealed record VolumeStatistics(VolumeSpace Space, long TotalInodes, long FreeInodes, long? UsedInodes);
