using System.Globalization;
using System.Text.Json;
using Lamina.Linux;
using Lamina.Storage.Pools.Directories;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Btrfs;

internal sealed partial class BtrfsPool
{
    // Beside the data of an entry that is being destroyed: a file named so for each subvolume, so that a restart knows what to wait for.
    private const string DroppingPrefix = "dropping.";

    // Entries of which it is not known whose blocks they share. As long as there is one, no volume counts as alone.
    private readonly HashSet<string> _strangers = [];

    /// <summary>Counts what an earlier daemon left in the trash: as long as it is there, it holds blocks of its family.</summary>
    private void LoadTrash()
    {
        foreach (var entry in Files.List(_directory.Trash))
        {
            if (ReadFamily(_directory.Trash, entry.Name) is { } family)
                _families.Add(family.Family);
            else
                _strangers.Add(entry.Name);
        }
    }

    /// <summary>
    /// Removes an entry in two steps: its subvolumes are destroyed, and when the kernel has taken them apart the record goes too. Only then their
    /// blocks are free, so only then the limits of their family change.
    /// </summary>
    private async Task<TrashOutcome> RemoveFromTrashAsync(SafeFileHandle trash, string name, CancellationToken cancellationToken)
    {
        if (Files.TryStatAt(trash, name) is { Kind: FileKind.Directory })
        {
            using var entry = Files.OpenDirectoryAt(trash, name);
            // At its limit a volume has no room even for what becomes of the names of subvolumes inside of it.
            _quotas.Lift(ReadFamily(trash, name)?.Group);
            if (!TryDestroyData(entry))
                return TrashOutcome.InUse;
            if (!AreDropped(entry))
                return TrashOutcome.Pending;
        }
        var family = ReadFamily(trash, name);
        TreeRemoval.Remove(trash, name, cancellationToken);
        await RemovedAsync(name, family).ConfigureAwait(false);

        // What was freed can be used again only after the next commit; one for all that went.
        if (Files.List(trash).Count == 0)
            Linux.Btrfs.CommitTransaction(trash);
        return TrashOutcome.Removed;
    }

    private bool TryDestroyData(SafeFileHandle entry)
    {
        if (Files.TryStatAt(entry, Data) is not { Kind: FileKind.Directory })
            return true;
        using (var data = Files.OpenDirectoryAt(entry, Data))
        {
            if (!Linux.Btrfs.IsSubvolume(data))
                return true;
            var subvolumes = SubvolumeTree.Ids(data);
            if (_mounts.Find(subvolumes) is not null)
                return false;
            foreach (var id in subvolumes)
                Files.OpenAt(entry, string.Create(CultureInfo.InvariantCulture, $"{DroppingPrefix}{id}"), OpenFlags.WriteOnly | OpenFlags.Create, 0x180).Dispose();
        }
        SubvolumeTree.Destroy(entry, Data);
        return true;
    }

    private bool AreDropped(SafeFileHandle entry)
    {
        var dropping = Files.List(entry)
            .Where(file => file.Name.StartsWith(DroppingPrefix, StringComparison.Ordinal))
            .Select(file => ulong.Parse(file.Name.AsSpan(DroppingPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture))
            .ToList();
        if (!dropping.TrueForAll(id => Linux.Btrfs.IsDropped(_directory.Root, id)))
        {
            // The kernel begins with the next commit, which may be half a minute away.
            Linux.Btrfs.CommitTransaction(_directory.Root);
            return false;
        }
        dropping.ForEach(_quotas.RemoveGroupOf);
        return true;
    }

    private async Task RemovedAsync(string name, BtrfsFamily? entry)
    {
        var wasStranger = _strangers.Remove(name);
        if (entry is not null && !wasStranger)
            _families.Remove(entry.Family);
        _quotas.RemoveAbandoned();
        foreach (var volume in _volumes.Records.Where(volume => wasStranger || volume.Family == entry?.Family).ToList())
            await TightenAsync(volume.Key).ConfigureAwait(false);
    }

    // With the trash and not at once when a snapshot is deleted: its blocks are charged until they are free.
    private async Task TightenAsync(ObjectKey key)
    {
        using var held = await LockRecordAsync(key).ConfigureAwait(false);
        if (_volumes.Find(key) is { } volume)
            _quotas.Tighten(volume.Group, volume.Volume.Size, _strangers.Count == 0 && _families.IsAlone(volume.Family));
    }

    private static BtrfsFamily? ReadFamily(SafeFileHandle trash, string name)
    {
        try
        {
            using var entry = Files.OpenDirectoryAt(trash, name);
            return Files.TryReadAllAt(entry, "record.json") is { } json ? JsonSerializer.Deserialize(json, BtrfsRecordJson.Default.BtrfsFamily) : null;
        }
        catch (Exception e) when (e is JsonException or LinuxException)
        {
            return null;
        }
    }
}
