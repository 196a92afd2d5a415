using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Lamina.Storage.Attachments;

/// <summary>
/// The holders of this boot: a file each under <c>holders/&lt;volume id&gt;/</c>, and the same in memory. Written by a rename, so that a killed
/// daemon leaves a holder whole or not at all; not flushed, as no holder outlives the boot.
/// </summary>
internal sealed class HolderStore
{
    private readonly string _root;
    private readonly string _bootId;
    private readonly Lock _writing = new();
    private ImmutableDictionary<VolumeId, ImmutableList<Holder>> _holders = ImmutableDictionary<VolumeId, ImmutableList<Holder>>.Empty;

    internal HolderStore(string runtimeDirectory, string bootId)
    {
        _root = Path.Combine(runtimeDirectory, "holders");
        _bootId = bootId;
    }

    /// <summary>The volumes that are held.</summary>
    internal IEnumerable<VolumeId> Volumes => _holders.Keys;

    /// <summary>Who holds a volume.</summary>
    internal ImmutableList<Holder> Of(VolumeId volume) => _holders.GetValueOrDefault(volume, []);

    /// <summary>That one holder, or null.</summary>
    internal Holder? Find(VolumeId volume, HolderIdentity identity) => Of(volume).Find(holder => holder.Identity == identity);

    /// <summary>Who else goes by that name: a holder of another volume. Paths have one volume each.</summary>
    internal Holder? FindOther(VolumeId volume, HolderIdentity identity) =>
        _holders.Where(held => held.Key != volume).Select(held => held.Value.Find(holder => holder.Identity == identity)).FirstOrDefault(holder => holder is not null);

    /// <summary>Reads what an earlier daemon of this boot left; answers the holders of earlier boots, which it removes.</summary>
    internal IReadOnlyList<Holder> Load()
    {
        var stale = new List<Holder>();
        Directory.CreateDirectory(_root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var file in Directory.EnumerateFiles(_root, "*", SearchOption.AllDirectories))
        {
            // A file that is not a holder is what a killed daemon was just writing: its call never answered.
            if (Path.GetExtension(file) != ".json" || TryRead(file) is not { } holder)
            {
                File.Delete(file);
            }
            else if (holder.BootId != _bootId)
            {
                File.Delete(file);
                stale.Add(holder);
            }
            else
            {
                Remember(holder);
            }
        }
        foreach (var directory in Directory.EnumerateDirectories(_root).Where(directory => !Directory.EnumerateFileSystemEntries(directory).Any()).ToList())
            Directory.Delete(directory);
        return stale;
    }

    /// <summary>Adds a holder.</summary>
    internal void Put(Holder holder)
    {
        lock (_writing)
        {
            var path = PathOf(holder);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var temporary = path + ".new";
            File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(holder, HolderJson.Default.Holder));
            File.Move(temporary, path, overwrite: true);
            Remember(holder);
        }
    }

    /// <summary>Removes a holder, if it is there.</summary>
    internal void Remove(Holder holder)
    {
        lock (_writing)
        {
            File.Delete(PathOf(holder));
            var rest = Of(holder.Volume).RemoveAll(other => other.Identity == holder.Identity);
            _holders = rest.IsEmpty ? _holders.Remove(holder.Volume) : _holders.SetItem(holder.Volume, rest);
            if (rest.IsEmpty)
                Directory.Delete(Path.GetDirectoryName(PathOf(holder))!);
        }
    }

    private static Holder? TryRead(string file)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(file), HolderJson.Default.Holder);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private void Remember(Holder holder)
    {
        var others = Of(holder.Volume).RemoveAll(other => other.Identity == holder.Identity);
        _holders = _holders.SetItem(holder.Volume, others.Add(holder));
    }

    // References are paths and ids from outside: hashed, they can't be anything but a file name.
    private string PathOf(Holder holder) => Path.Combine(
        _root, holder.Volume.ToString(), Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(holder.Identity.ToString()))) + ".json");
}
