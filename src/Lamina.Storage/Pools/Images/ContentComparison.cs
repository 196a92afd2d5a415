using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Images;

/// <summary>Compares two files by reading both. Behind its end a file is zeros.</summary>
/// <param name="older">One of them.</param>
/// <param name="newer">The other.</param>
/// <param name="cancellationToken">Ends it.</param>
internal sealed class ContentComparison(SafeFileHandle older, SafeFileHandle newer, CancellationToken cancellationToken)
{
    private const int Step = 1 << 20;

    private byte[]? _had;
    private byte[]? _has;

    /// <summary>The blocks of a range in which they differ, in order; some may touch.</summary>
    /// <param name="start">In bytes.</param>
    /// <param name="end">In bytes.</param>
    internal IEnumerable<Extent> Differences(long start, long end)
    {
        _had ??= new byte[Step];
        _has ??= new byte[Step];
        int length;
        for (var position = start; position < end; position += length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            length = (int)Math.Min(Step, end - position);
            Read(older, position, _had.AsSpan(0, length));
            Read(newer, position, _has.AsSpan(0, length));
            if (AreEqual(0, length))
                continue;
            for (var offset = 0; offset < length; offset += BlockRanges.Block)
            {
                var size = Math.Min(BlockRanges.Block, length - offset);
                if (!AreEqual(offset, size))
                    yield return new Extent(position + offset, size);
            }
        }
    }

    private static void Read(SafeFileHandle file, long position, Span<byte> buffer) => buffer[Files.Read(file, position, buffer)..].Clear();

    private bool AreEqual(int offset, int length) => _had.AsSpan(offset, length).SequenceEqual(_has.AsSpan(offset, length));
}
