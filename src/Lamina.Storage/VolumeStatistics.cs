namespace Lamina.Storage;

/// <summary>How full a volume is, in the volume's own terms and not in those of the disk beneath.</summary>
/// <param name="Space">Its bytes; null where nothing is known of what it uses: no figure then, as a volume that looks empty is never seen to fill up.</param>
/// <param name="TotalInodes">How many files the filesystem can hold; 0 where there is no fixed number.</param>
/// <param name="FreeInodes">How many more it can hold; 0 where there is no fixed number.</param>
/// <param name="UsedInodes">How many files the volume has; null where that is not known.</param>
public sealed record VolumeStatistics(VolumeSpace? Space, long TotalInodes, long FreeInodes, long? UsedInodes);
