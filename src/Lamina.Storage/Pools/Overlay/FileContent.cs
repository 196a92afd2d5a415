using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>Makes one file's content that of another on the same filesystem, by sharing its blocks where that is possible. Holes stay holes.</summary>
internal sealed class FileContent
{
    private const int ChunkSize = 256 * 1024;
    private const int BlockSize = 4096;

    private readonly byte[] _wanted = new byte[ChunkSize];
    private readonly byte[] _present = new byte[ChunkSize];
    private readonly FileSystemKind _fileSystem;
    private bool _mayShare;

    /// <param name="fileSystem">Where the files are.</param>
    internal FileContent(FileSystemKind fileSystem)
    {
        _fileSystem = fileSystem;
        _mayShare = fileSystem != FileSystemKind.Ext4;
    }

    /// <summary>Fills an empty file.</summary>
    internal void Copy(SafeFileHandle from, SafeFileHandle to, long size, CancellationToken cancellation)
    {
        if (size == 0 || TryShare(from, to, isEmpty: true))
            return;
        Files.SetLength(to, size);
        foreach (var extent in Files.DataExtents(from, size))
        {
            for (var offset = extent.Offset; offset < extent.End;)
            {
                cancellation.ThrowIfCancellationRequested();
                var wanted = Read(from, offset, extent, _wanted);
                if (wanted.IsEmpty)
                    return;
                Files.WriteAll(to, offset, wanted);
                offset += wanted.Length;
            }
        }
    }

    /// <summary>Makes a file equal that may differ anywhere; only blocks that do are written.</summary>
    internal void Update(SafeFileHandle from, SafeFileHandle to, long size, CancellationToken cancellation)
    {
        var present = Files.Stat(to).Size;
        if (present > size)
            Files.SetLength(to, size);
        if (size == 0 || TryShare(from, to, present == 0))
            return;

        var data = Files.DataExtents(to, Math.Min(size, present)).ToList();
        var position = 0L;
        foreach (var extent in Files.DataExtents(from, size))
        {
            Clear(to, data, position, extent.Offset);
            CompareExtent(from, to, extent, cancellation);
            position = extent.End;
        }
        Clear(to, data, position, size);
        if (present < size)
            Files.SetLength(to, size);
    }

    private void CompareExtent(SafeFileHandle from, SafeFileHandle to, Extent extent, CancellationToken cancellation)
    {
        for (var offset = extent.Offset; offset < extent.End;)
        {
            cancellation.ThrowIfCancellationRequested();
            var wanted = Read(from, offset, extent, _wanted);
            if (wanted.IsEmpty)
                return;
            var present = _present.AsSpan(0, Files.Read(to, offset, _present.AsSpan(0, wanted.Length)));
            if (!wanted.SequenceEqual(present))
                WriteDifference(to, offset, wanted, present);
            offset += wanted.Length;
        }
    }

    private static void WriteDifference(SafeFileHandle to, long offset, ReadOnlySpan<byte> wanted, ReadOnlySpan<byte> present)
    {
        for (var start = 0; start < wanted.Length;)
        {
            if (IsSameBlock(wanted, present, start))
            {
                start += BlockSize;
                continue;
            }
            var end = start + BlockSize;
            while (end < wanted.Length && !IsSameBlock(wanted, present, end))
                end += BlockSize;
            end = Math.Min(end, wanted.Length);
            Files.WriteAll(to, offset + start, wanted[start..end]);
            start = end;
        }
    }

    private static bool IsSameBlock(ReadOnlySpan<byte> wanted, ReadOnlySpan<byte> present, int start)
    {
        var end = Math.Min(start + BlockSize, wanted.Length);
        return end <= present.Length && wanted[start..end].SequenceEqual(present[start..end]);
    }

    private static Span<byte> Read(SafeFileHandle from, long offset, Extent extent, byte[] buffer)
    {
        var length = (int)Math.Min(ChunkSize, extent.End - offset);
        // Fewer when the file has been cut meanwhile; that moves its time.
        return buffer.AsSpan(0, Files.Read(from, offset, buffer.AsSpan(0, length)));
    }

    /// <summary>Makes a hole of a range, where there is data in it.</summary>
    private static void Clear(SafeFileHandle to, List<Extent> data, long start, long end)
    {
        if (start >= end || !data.Exists(extent => extent.Offset < end && extent.End > start))
            return;
        try
        {
            Files.PunchHole(to, start, end - start);
        }
        catch (LinuxException e) when (e.Errno == Errno.EOPNOTSUPP)
        {
            var zeros = new byte[BlockSize];
            for (var offset = start; offset < end; offset += BlockSize)
                Files.WriteAll(to, offset, zeros.AsSpan(0, (int)Math.Min(BlockSize, end - offset)));
        }
    }

    private bool TryShare(SafeFileHandle from, SafeFileHandle to, bool isEmpty)
    {
        if (!_mayShare)
            return false;
        if (Files.TryReflink(from, to))
            return true;
        if (_fileSystem != FileSystemKind.Btrfs)
            return _mayShare = false;
        // Files written in place share only with their like, and are made so only while they are empty.
        return isEmpty && Files.TrySetNoCopyOnWrite(to, true) && Files.TryReflink(from, to);
    }
}
