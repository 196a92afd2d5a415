using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Btrfs;

/// <summary>A subvolume together with those that users made inside of it, which anybody may do.</summary>
internal static class SubvolumeTree
{
    /// <summary>The numbers of the subvolume and of all within it.</summary>
    internal static IReadOnlySet<ulong> Ids(SafeFileHandle subvolume) =>
        Linux.Btrfs.NestedSubvolumeIds(subvolume).Prepend(Linux.Btrfs.GetSubvolume(subvolume).Id).ToHashSet();

    /// <summary>Refuses to copy a volume that has others inside of it: in the copy they would be empty directories.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>, naming them.</exception>
    internal static void CheckNothingNested(SafeFileHandle subvolume, VolumeId volume)
    {
        const int shown = 5;
        var nested = Linux.Btrfs.NestedSubvolumes(subvolume);
        if (nested.Count == 0)
            return;
        var names = string.Join(", ", nested.Take(shown).Select(inner => $"'{inner.Path}'")) + (nested.Count > shown ? ", …" : "");
        throw new StorageException(StorageError.FailedPrecondition,
            $"volume {volume} has Btrfs subvolumes inside of it, which a snapshot would leave out: {names}. Make them plain directories or delete them "
            + "(btrfs subvolume delete), and call again");
    }

    /// <summary>Destroys a subvolume with all within it, the innermost first. Only for what lies in the trash, where nobody has it mounted.</summary>
    internal static void Destroy(SafeFileHandle trashed, string name)
    {
        using (var subvolume = Files.OpenDirectoryAt(trashed, name))
            Linux.Btrfs.DestroyNestedSubvolumes(subvolume);
        Linux.Btrfs.DestroySubvolume(trashed, name);
    }
}
