using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Images;

internal sealed partial class ImagePool
{
    /// <inheritdoc/>
    public BlockRanges OpenBlocks(Snapshot snapshot, Snapshot? since, long from, CancellationToken cancellationToken)
    {
        var what = $"read the blocks of snapshot '{snapshot.Name}'";
        return _edge.Run(what, () =>
        {
            var files = new List<SafeFileHandle>();
            try
            {
                var end = snapshot.Size!.Value.Bytes;
                var image = OpenWhole(snapshot, files);
                IEnumerable<Extent> ranges;
                if (since is null)
                {
                    ranges = Files.DataExtents(image, from, end);
                }
                else
                {
                    var delta = new ImageDelta(OpenWhole(since, files), image, end, cancellationToken);
                    ranges = SharesBlocks() ? delta.ByPlace(from) : delta.ByContent(from);
                }
                return new BlockRanges(ranges, next => _edge.Run(what, next), [.. files], cancellationToken);
            }
            catch
            {
                files.ForEach(file => file.Dispose());
                throw;
            }
        });
    }

    // A file of its own for every reader, as its position moves. What is not there any more must not be told as zeros.
    private SafeFileHandle OpenWhole(Snapshot snapshot, List<SafeFileHandle> opened)
    {
        var image = OpenImage(_snapshots, _snapshots.Get(snapshot.Id.Key).Key, $"snapshot {snapshot.Id}");
        opened.Add(image);
        return Files.Stat(image).Size >= snapshot.Size!.Value.Bytes
            ? image
            : throw new StorageException(StorageError.DataLoss, $"the image of snapshot {snapshot.Id} is shorter than its record says ({snapshot.Size}); nothing was touched");
    }
}
