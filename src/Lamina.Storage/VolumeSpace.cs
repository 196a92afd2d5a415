namespace Lamina.Storage;

/// <summary>The bytes of a volume.</summary>
/// <param name="Total">Its size; for a volume without one, that of the filesystem that it shares.</param>
/// <param name="Available">What can still be written.</param>
/// <param name="Used">What its files take; where the kernel enforces the size, what is taken of that.</param>
public sealed record VolumeSpace(ByteSize Total, ByteSize Available, ByteSize Used);
