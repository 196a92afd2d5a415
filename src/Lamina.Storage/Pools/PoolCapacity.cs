namespace Lamina.Storage.Pools;

/// <summary>The room in a pool.</summary>
/// <param name="Total">The size of what the pool lies on.</param>
/// <param name="Available">What can still be written by anybody.</param>
public readonly record struct PoolCapacity(ByteSize Total, ByteSize Available);
