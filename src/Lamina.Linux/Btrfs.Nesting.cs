using System.Runtime.InteropServices;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <content>Subvolumes within others.</content>
public static unsafe partial class Btrfs
{
    /// <summary>
    /// The numbers of all subvolumes within one, at any depth, as of now; the outer before the inner, so to be destroyed from the end.
    /// </summary>
    public static IReadOnlyList<ulong> NestedSubvolumeIds(SafeFileHandle subvolume) => [.. FindNested(subvolume).Select(nested => nested.Id)];

    /// <summary>
    /// As <see cref="NestedSubvolumeIds"/>, with their paths. Where a part of a path is longer than the kernel tells (4,079 bytes) it is left out,
    /// and an ellipsis stands in its place.
    /// </summary>
    public static IReadOnlyList<NestedSubvolume> NestedSubvolumes(SafeFileHandle subvolume)
    {
        var paths = new Dictionary<ulong, string>();
        List<NestedSubvolume> found = [];
        foreach (var nested in FindNested(subvolume))
        {
            var outer = paths.TryGetValue(nested.Outer, out var prefix) ? prefix + "/" : "";
            paths[nested.Id] = $"{outer}{DirectoryPath(subvolume, nested.Outer, nested.Directory)}{nested.Name}";
            found.Add(new NestedSubvolume(nested.Id, paths[nested.Id]));
        }
        return found;
    }

    /// <summary>
    /// Destroys all subvolumes within one, the innermost first, read-only ones too. By their places and not by their paths, which users can make
    /// longer than the kernel takes one.
    /// </summary>
    /// <exception cref="LinuxException">EPERM while one of them is being sent, or is the default one, or without CAP_DAC_READ_SEARCH.</exception>
    public static void DestroyNestedSubvolumes(SafeFileHandle subvolume)
    {
        foreach (var nested in FindNested(subvolume).Reverse<Nested>())
        {
            // Nothing can be taken out of a read-only subvolume, not even another subvolume.
            using (var outer = OpenDirectory(subvolume, nested.Outer, BtrfsIoctl.FirstFreeObject))
                SetReadOnly(outer, false);
            using var directory = OpenDirectory(subvolume, nested.Outer, nested.Directory);
            DestroySubvolume(directory, nested.Name);
        }
    }

    private static List<Nested> FindNested(SafeFileHandle subvolume)
    {
        List<Nested> found = [];
        var outer = new Queue<ulong>([GetSubvolume(subvolume).Id]);
        while (outer.TryDequeue(out var next))
        {
            var references = BtrfsTreeSearch.Find(
                subvolume,
                new BtrfsTreeSearch.Range(BtrfsIoctl.RootTree, next, next, BtrfsIoctl.RootReferenceKey, BtrfsIoctl.RootReferenceKey));
            foreach (var reference in references)
            {
                // struct btrfs_root_ref: directory u64, sequence u64, name length u16, name.
                ReadOnlySpan<byte> data = reference.Data;
                var name = PathEncoding.Decode(data.Slice(18, MemoryMarshal.Read<ushort>(data[16..])));
                found.Add(new Nested(reference.Offset, next, MemoryMarshal.Read<ulong>(data), name));
                outer.Enqueue(reference.Offset);
            }
        }
        return found;
    }

    /// <summary>The path of a directory from its subvolume's root, with a closing slash; empty for the root.</summary>
    private static string DirectoryPath(SafeFileHandle handle, ulong subvolume, ulong directory)
    {
        if (directory == BtrfsIoctl.FirstFreeObject)
            return "";
        // struct btrfs_ioctl_ino_lookup_args: subvolume u64, inode u64, path.
        Span<byte> lookup = stackalloc byte[4096];
        lookup.Clear();
        MemoryMarshal.Write(lookup, subvolume);
        MemoryMarshal.Write(lookup[8..], directory);
        fixed (byte* pointer = lookup)
        {
            return BtrfsIoctl.InodeLookup.Try(handle, pointer) switch
            {
                Errno.None => PathEncoding.DecodeTerminated(lookup[16..]),
                Errno.ENAMETOOLONG => "…/",
                var errno => throw LinuxException.Of(BtrfsIoctl.InodeLookup.Name, errno, handle, $"inode {directory} of subvolume {subvolume}"),
            };
        }
    }

    /// <summary>Opens a directory by its number, as servers of network filesystems do. See open_by_handle_at(2).</summary>
    private static SafeFileHandle OpenDirectory(SafeFileHandle fileSystem, ulong subvolume, ulong inode)
    {
        // struct file_handle: size u32, type s32; then struct btrfs_fid without a parent: inode u64, subvolume u64, generation u32 (0: any).
        const int size = 20, withoutParent = 0x4d;
        Span<byte> file = stackalloc byte[8 + size];
        file.Clear();
        MemoryMarshal.Write(file, size);
        MemoryMarshal.Write(file[4..], withoutParent);
        MemoryMarshal.Write(file[8..], inode);
        MemoryMarshal.Write(file[16..], subvolume);
        fixed (byte* pointer = file)
        {
            int descriptor;
            do
                descriptor = LibC.open_by_handle_at(fileSystem, pointer, LibC.Native(OpenFlags.ReadOnly | OpenFlags.Directory));
            while (LibC.Interrupted(descriptor));
            return descriptor >= 0 ? Files.Own(descriptor) : throw LinuxException.Last($"open_by_handle_at inode {inode} of subvolume {subvolume}");
        }
    }

    private readonly record struct Nested(ulong Id, ulong Outer, ulong Directory, string Name);
}
