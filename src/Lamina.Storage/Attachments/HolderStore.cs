using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Attachments;

/// <summary>
/// The holders of this boot: a file each under <c>holders/&lt;volume id&gt;/</c>, and the same in memory. Written by a rename, so that a killed
/// daemon leaves a holder whole or not at all; not flushed, as no holder outlives the boot.
/// </summary>
internal sealed class HolderStore
{
    private const string Extension = ".json";
    private const string Unfinished = ".new";
    private readonly string _root;
    private readonly string _bootId;
    private readonly ILogger _logger;
    private readonly Lock _writing = new();
    private ImmutableDictionary<VolumeId, ImmutableList<Holder>> _holders = ImmutableDictionary<VolumeId, ImmutableList<Holder>>.Empty;

    // Whose volume each path is, so that nobody has to go through all holders for that.
    private ImmutableDictionary<HolderIdentity, VolumeId> _volumes = ImmutableDictionary<HolderIdentity, VolumeId>.Empty;

    internal HolderStore(string runtimeDirectory, string bootId, ILogger logger)
    {
        _root = Path.Combine(runtimeDirectory, "holders");
        _bootId = bootId;
        _logger = logger;
    }

    /// <summary>The volumes that are held.</summary>
    internal IEnumerable<VolumeId> Volumes => _holders.Keys;

    /// <summary>Who holds a volume.</summary>
    internal ImmutableList<Holder> Of(VolumeId volume) => _holders.GetValueOrDefault(volume, []);

    /// <summary>That one holder, or null. One whose file can't be read is still known by the file's name.</summary>
    internal Holder? Find(VolumeId volume, HolderIdentity identity)
    {
        var holders = Of(volume);
        return holders.Find(holder => holder.Identity == identity)
            ?? (holders.Exists(holder => holder.Kind == HolderKind.Unreadable)
                ? holders.Find(holder => holder.Kind == HolderKind.Unreadable && holder.Reference == PathOf(volume, identity))
                : null);
    }

    /// <summary>Who else goes by that name: a holder of another volume. Paths have one volume each.</summary>
    internal Holder? FindOther(VolumeId volume, HolderIdentity identity) =>
        _volumes.TryGetValue(identity, out var other) && other != volume ? Find(other, identity) : null;

    /// <summary>Reads what an earlier daemon of this boot left, and removes the holders of earlier boots.</summary>
    internal void Load()
    {
        Directory.CreateDirectory(_root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var file in Directory.EnumerateFiles(_root, "*", SearchOption.AllDirectories))
        {
            switch (Path.GetExtension(file))
            {
                case Unfinished:
                    // What a killed daemon was just writing: its call never answered.
                    File.Delete(file);
                    break;
                case Extension:
                    Load(file);
                    break;
            }
        }
        foreach (var directory in Directory.EnumerateDirectories(_root).Where(directory => !Directory.EnumerateFileSystemEntries(directory).Any()).ToList())
            Directory.Delete(directory);
    }

    /// <summary>Adds a holder.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: it can't be written.</exception>
    internal void Put(Holder holder) => Write(holder, () =>
    {
        var path = PathOf(holder);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = path + Unfinished;
        File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(holder, HolderJson.Default.Holder));
        File.Move(temporary, path, overwrite: true);
        Remember(holder);
    });

    /// <summary>Removes a holder, if it is there.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: its file can't be removed.</exception>
    internal void Remove(Holder holder) => Write(holder, () =>
    {
        var path = PathOf(holder);
        if (File.Exists(path))
            File.Delete(path);
        var rest = Of(holder.Volume).RemoveAll(other => other.Identity == holder.Identity);
        _holders = rest.IsEmpty ? _holders.Remove(holder.Volume) : _holders.SetItem(holder.Volume, rest);
        if (_volumes.TryGetValue(holder.Identity, out var volume) && volume == holder.Volume)
            _volumes = _volumes.Remove(holder.Identity);
        var directory = Path.GetDirectoryName(path)!;
        if (rest.IsEmpty && Directory.Exists(directory) && !Directory.EnumerateFileSystemEntries(directory).Any())
            Directory.Delete(directory);
    });

    private void Load(string file)
    {
        if (TryRead(file, out var holder, out var reason))
        {
            if (holder.BootId == _bootId)
            {
                Remember(holder);
                return;
            }
            File.Delete(file);
            _logger.HolderDropped(holder.ToString(), holder.Volume);
            return;
        }

        // Written by a later version, as a rule. Somebody holds the volume: whoever it is, it stays mounted.
        _logger.HolderUnreadable(file, reason);
        if (VolumeId.TryParse(Path.GetFileName(Path.GetDirectoryName(file)), out var volume))
        {
            Remember(new Holder
            {
                Volume = volume,
                Door = Door.Cli,
                Kind = HolderKind.Unreadable,
                Reference = file,
                Since = File.GetLastWriteTimeUtc(file),
                BootId = _bootId,
            });
        }
    }

    private bool TryRead(string file, [NotNullWhen(true)] out Holder? holder, [NotNullWhen(false)] out string? reason)
    {
        holder = null;
        try
        {
            holder = JsonSerializer.Deserialize(File.ReadAllBytes(file), HolderJson.Default.Holder);
            reason = holder is null ? "it says nothing" : PathOf(holder) != file ? $"it says that it is {holder} of {holder.Volume}" : null;
            return reason is null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            reason = e.Message;
            return false;
        }
    }

    private void Write(Holder holder, Action write)
    {
        lock (_writing)
        {
            try
            {
                write();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new StorageException(StorageError.Unavailable,
                    $"who holds volume {holder.Volume} can't be written down under {_root}: {e.Message}; see to it that there is room, and that it can be written", e);
            }
        }
    }

    private void Remember(Holder holder)
    {
        var others = Of(holder.Volume).RemoveAll(other => other.Identity == holder.Identity);
        _holders = _holders.SetItem(holder.Volume, others.Add(holder));
        if (holder.Identity.IsPath)
            _volumes = _volumes.SetItem(holder.Identity, holder.Volume);
    }

    private string PathOf(Holder holder) => holder.Kind == HolderKind.Unreadable ? holder.Reference : PathOf(holder.Volume, holder.Identity);

    // References are paths and ids from outside: hashed, they can't be anything but a file name.
    private string PathOf(VolumeId volume, HolderIdentity identity) =>
        Path.Combine(_root, volume.ToString(), Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity.ToString()))) + Extension);
}
