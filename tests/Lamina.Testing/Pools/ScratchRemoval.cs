using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Testing.Pools;

/// <summary>Removes a directory that may hold Btrfs subvolumes, as only tests may.</summary>
public static class ScratchRemoval
{
    private static readonly EnumerationOptions s_poolDeep = new() { RecurseSubdirectories = true, MaxRecursionDepth = 2, AttributesToSkip = 0 };

    // What was destroyed and may not be dropped yet, with the number of its filesystem.
    private static readonly List<(ulong FileSystem, ulong Subvolume)> s_destroyed = [];

    /// <summary>Removes a pool's directory with all that is in it. The kernel drops subvolumes later; see <see cref="WaitForSpace"/>.</summary>
    public static void Remove(SafeFileHandle parent, string name)
    {
        if (Files.StatFs(parent) is { Kind: FileSystemKind.Btrfs } status)
            s_destroyed.AddRange(DestroySubvolumes(parent, name).Select(id => (status.Id, id)));
        TreeRemoval.Remove(parent, name, CancellationToken.None);
        if (IsShort(parent))
            WaitForSpace(Files.CurrentPath(parent));
    }

    /// <summary>Waits until the space that removed pools took on this filesystem is free.</summary>
    public static void WaitForSpace(string path)
    {
        using var directory = Files.OpenDirectory(path);
        var fileSystem = Files.StatFs(directory).Id;
        Files.FlushFileSystem(directory);
        for (var attempt = 0; attempt < 2000 && s_destroyed.Exists(one => one.FileSystem == fileSystem && !Btrfs.IsDropped(directory, one.Subvolume)); attempt++)
            Thread.Sleep(5);
        s_destroyed.RemoveAll(one => one.FileSystem == fileSystem);
        Files.FlushFileSystem(directory);
    }

    private static bool IsShort(SafeFileHandle directory) => Files.StatFs(directory) is var status && status.AvailableBytes < status.TotalBytes / 2;

    private static List<ulong> DestroySubvolumes(SafeFileHandle parent, string name)
    {
        List<ulong> destroyed = [];
        using var top = Files.OpenDirectoryAt(parent, name);
        foreach (var data in Directory.EnumerateDirectories(Files.CurrentPath(top), "data", s_poolDeep).ToList())
        {
            using var directory = Files.OpenDirectory(Path.GetDirectoryName(data)!);
            using (var subvolume = Files.OpenDirectoryAt(directory, "data"))
            {
                if (!Btrfs.IsSubvolume(subvolume))
                    continue;
                destroyed.AddRange([.. Btrfs.NestedSubvolumeIds(subvolume), Btrfs.GetSubvolume(subvolume).Id]);
                Btrfs.DestroyNestedSubvolumes(subvolume);
            }
            Btrfs.DestroySubvolume(directory, "data");
        }
        return destroyed;
    }
}
