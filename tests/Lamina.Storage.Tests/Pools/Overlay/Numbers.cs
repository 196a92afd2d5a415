using System.Buffers.Binary;
using Lamina.Linux;

namespace Lamina.Storage.Tests.Pools.Overlay;

/// <summary>The numbers that the workload "numbers" has written, as they are found somewhere.</summary>
internal sealed record Numbers(long A, long B, long C, long D, long E)
{
    private const int FarOffset = 1024 * 1024;
    private const int ReplaceEvery = 256;

    /// <summary>Whether they could have been so at one moment: each number goes to all files in order, before the next one does.</summary>
    internal bool IsOneMoment => A >= B && B >= C && C >= D && A - D <= 1 && (E == A / ReplaceEvery * ReplaceEvery || E == (A - 1) / ReplaceEvery * ReplaceEvery);

    internal static Numbers Read(string directory) => new(
        Read(directory, "a", 0), Read(directory, "b", 0), Read(directory, "sub/c", FarOffset), Read(directory, "d", FarOffset), Read(directory, "e", 0));

    private static long Read(string directory, string name, long offset)
    {
        using var file = Files.Open(Path.Combine(directory, name), OpenFlags.ReadOnly);
        Span<byte> bytes = stackalloc byte[8];
        return Files.Read(file, offset, bytes) == 8 ? BinaryPrimitives.ReadInt64LittleEndian(bytes) : 0;
    }
}
