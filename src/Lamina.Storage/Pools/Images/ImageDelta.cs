using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Images;

/// <summary>In what two images differ that nobody writes to. What lies behind the end of the older one counts as zeros.</summary>
/// <remarks>
/// <para>Where files share blocks, the kernel is asked where they lie: blocks at one place of the disk are the same blocks, whatever they hold, and what was
/// written since lies elsewhere. That costs a call for a thousand extents, and nothing is read. Holes and unwritten extents are zeros. Where a place says
/// nothing of the content (compressed, or within metadata), and where files share nothing, the content is compared.</para>
/// <para>So nothing is missed. What was written again with the same content may be told as a difference where places are compared, and is none where
/// contents are.</para>
/// </remarks>
/// <param name="older">The image as it was, open for this alone.</param>
/// <param name="newer">The image as it became, open for this alone.</param>
/// <param name="end">The length of the newer one, in bytes.</param>
/// <param name="cancellationToken">Ends it.</param>
internal sealed class ImageDelta(SafeFileHandle older, SafeFileHandle newer, long end, CancellationToken cancellationToken)
{
    private readonly ContentComparison _content = new(older, newer, cancellationToken);

    /// <summary>Compares by the places of the blocks.</summary>
    /// <param name="from">Where to begin, in bytes.</param>
    internal IEnumerable<Extent> ByPlace(long from)
    {
        // Dirty pages are nowhere; once is enough, as nobody writes.
        var sync = true;
        for (var position = from; position < end;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (before, after, windowEnd) = Map(position, sync);
            sync = false;
            windowEnd = Math.Min(windowEnd, end);
            foreach (var range in Compare(before, after, position, windowEnd))
                yield return range;
            position = windowEnd;
        }
    }

    /// <summary>Compares all that either of them has written.</summary>
    /// <param name="from">Where to begin, in bytes.</param>
    internal IEnumerable<Extent> ByContent(long from)
    {
        for (var position = from; position < end;)
        {
            Extent[] data = [.. Files.DataExtents(older, position, end).Take(1), .. Files.DataExtents(newer, position, end).Take(1)];
            if (data.Length == 0)
                yield break;
            // The one that begins first; where the other has data too, it is read along.
            var next = data.MinBy(extent => extent.Offset);
            foreach (var range in _content.Differences(next.Offset, next.End))
                yield return range;
            position = next.End;
        }
    }

    /// <summary>Where the blocks of both lie, from a position on to where both maps reach; null where that could not be seen at one moment.</summary>
    private (BlockPlaces? Older, BlockPlaces? Newer, long End) Map(long position, bool sync)
    {
        var before = Fiemap.MapSome(older, position, sync);
        var after = Fiemap.MapSome(newer, position, sync);
        // While a Btrfs is balanced, blocks move: one of the newer image could have come, in between, to where one of the older was. Then it was seen
        // at two moments, and the places say nothing.
        var again = Fiemap.MapSome(older, position, sync: false);
        var reach = Math.Min(before.End, after.End);
        return before.Extents.Select(Place).SequenceEqual(again.Extents.Select(Place)) ? (new BlockPlaces(before.Extents), new BlockPlaces(after.Extents), reach) : (null, null, reach);
    }

    // Whether others share it may change at any moment, as snapshots come and go.
    private static PhysicalExtent Place(PhysicalExtent extent) => extent with { Flags = extent.Flags & ~PhysicalExtentFlags.Shared };

    private IEnumerable<Extent> Compare(BlockPlaces? before, BlockPlaces? after, long position, long windowEnd)
    {
        while (position < windowEnd)
        {
            var (had, hadUntil) = before?.At(position) ?? (BlockPlace.Unknown, windowEnd);
            var (has, hasUntil) = after?.At(position) ?? (BlockPlace.Unknown, windowEnd);
            var next = Math.Min(windowEnd, Math.Min(hadUntil, hasUntil));
            if (!had.IsKnown || !has.IsKnown)
            {
                foreach (var range in _content.Differences(position, next))
                    yield return range;
            }
            else if (had != has)
            {
                yield return new Extent(position, next - position);
            }
            position = next;
        }
    }
}
