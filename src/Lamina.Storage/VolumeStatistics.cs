namespace Lamina.Storage;

/// <summary>How full a volume is, in the volume's own terms and not in those of the disk beneath.</summary>
/// <param name="Total">Its size; for a volume without one, that of the filesystem that it shares.</param>
/// <param name="Available">What can still be written.</param>
/// <param name="Used">What its files take; null where that is not known yet.</param>
/// <param name="TotalInodes">How many files the filesystem can hold; 0 where there is no fixed number.</param>
/// <param name="FreeInodes">How many more it can hold; 0 where there is no fixed number.</param>
/// <param name="UsedInodes">How many files the volume has; null where that is not known.</param>
public sealed record VolumeStatistics(ByteSize Total, ByteSize Available, ByteSize? Used, long TotalInodes, long FreeInodes, long? UsedInodes);
