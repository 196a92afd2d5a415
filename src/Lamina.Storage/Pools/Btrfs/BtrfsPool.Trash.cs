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

    // What the round that is under way has removed, and which subvolumes somebody has mounted, as it was at its begin.
    private readonly HashSet<FamilyId> _shrunkFamilies = [];
    private readonly HashSet<ulong> _freedGroups = [];
    private HashSet<ulong>? _mounted;
    private bool _isAnyRemoved;
    private bool _isStrangerGone;

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
    private Task<TrashOutcome> RemoveFromTrashAsync(SafeFileHandle trash, string name, CancellationToken cancellationToken) =>
        Task.FromResult(RemoveFromTrash(trash, name, cancellationToken));

    private TrashOutcome RemoveFromTrash(SafeFileHandle trash, string name, CancellationToken cancellationToken)
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
        NoteRemoved(name, family);
        return TrashOutcome.Removed;
    }

    /// <summary>What one look at the trash has changed, done once for all entries: a search or a commit each would be quadratic.</summary>
    private async Task EndRoundAsync(bool isPending)
    {
        _mounted = null;

        // The kernel begins to take apart what was destroyed with the next commit, which may be half a minute away; and what it has freed can be used
        // again only after one.
        if (isPending || _isAnyRemoved)
            Linux.Btrfs.CommitTransaction(_directory.Root);
        if (!_isAnyRemoved)
            return;

        // Those that nothing was removed of can't have become free, except by what others shared with them: tried when all is done.
        _quotas.RemoveAbandoned(isPending ? _freedGroups : null);
        foreach (var volume in _volumes.Records.Where(volume => _isStrangerGone || _shrunkFamilies.Contains(volume.Family)).ToList())
            await TightenAsync(volume.Key).ConfigureAwait(false);
        _freedGroups.Clear();
        _shrunkFamilies.Clear();
        (_isAnyRemoved, _isStrangerGone) = (false, false);
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
            // The tables are read after the trash was listed: what was there already and was not mounted then can't come to be mounted any more.
            _mounted ??= _mounts.List().Select(mount => mount.Subvolume).ToHashSet();
            if (_mounted.Overlaps(subvolumes))
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
            return false;
        dropping.ForEach(_quotas.RemoveGroupOf);
        return true;
    }

    private void NoteRemoved(string name, BtrfsFamily? entry)
    {
        _isAnyRemoved = true;
        if (_strangers.Remove(name))
            _isStrangerGone = true;
        else if (entry is not null)
            _families.Remove(entry.Family);
        if (entry is not null)
            _shrunkFamilies.Add(entry.Family);
        if (entry?.Group is { } group)
            _freedGroups.Add(group);
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
