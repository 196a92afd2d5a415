namespace Lamina.Storage;

/// <summary>What room there is for volumes of one sort.</summary>
/// <param name="Available">What can still be written, and is not promised to others where promises count.</param>
/// <param name="Largest">The size of the largest volume that could be made now.</param>
/// <param name="Smallest">The size of the smallest one.</param>
public sealed record CapacityAnswer(ByteSize Available, ByteSize Largest, ByteSize Smallest)
{
    /// <summary>No such volume could be made.</summary>
    public static CapacityAnswer Nothing { get; } = new(ByteSize.Zero, ByteSize.Zero, ByteSize.Zero);
}
