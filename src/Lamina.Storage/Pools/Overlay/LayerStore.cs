using System.Collections.Concurrent;
using System.Collections.Immutable;
using Lamina.Linux;
using Lamina.Storage.Pools.Directories;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>
/// The layers of an overlay pool: <c>layers/&lt;id&gt;/diff</c> with the tree and <c>layers/&lt;id&gt;/work</c> for overlayfs. A layer is written to as long
/// as it is the head of a volume, and sealed from the moment that it is in a chain. Which layers there are is known from the records; a layer
/// that none names is swept at the next load.
/// </summary>
internal sealed class LayerStore : IDisposable
{
    /// <summary>The directories that an overlay pool has besides the common ones. The empty one lies below volumes that have no sealed layer.</summary>
    internal static readonly string[] Directories = ["layers", "empty"];

    /// <summary>The tree of a layer.</summary>
    internal const string Diff = "diff";

    /// <summary>What overlayfs needs beside it.</summary>
    internal const string Work = "work";

    private readonly PoolDirectory _pool;
    private readonly SafeFileHandle _directory;
    // Made since the pool was opened, and named to nobody who could mount them as an upper.
    private readonly ConcurrentDictionary<LayerId, bool> _neverMounted = [];

    internal LayerStore(PoolDirectory pool)
    {
        _pool = pool;
        _directory = Files.OpenDirectoryAt(pool.Root, "layers");
    }

    /// <summary>Who names which layer.</summary>
    internal LayerReferences References { get; } = new();

    /// <summary>The path of a layer's tree.</summary>
    internal string DiffOf(LayerId layer) => Path.Combine(_pool.Path, "layers", layer.ToString(), Diff);

    /// <summary>The path of a layer's work directory.</summary>
    internal string WorkOf(LayerId layer) => Path.Combine(_pool.Path, "layers", layer.ToString(), Work);

    /// <summary>What to mount for a head over a chain.</summary>
    internal MountDescription.Overlay Describe(LayerId head, ImmutableArray<LayerId> chain)
    {
        _neverMounted.TryRemove(head, out _);
        return new(DiffOf(head), WorkOf(head), chain.IsEmpty ? [Path.Combine(_pool.Path, "empty")] : [.. chain.Select(DiffOf)]);
    }

    /// <summary>Opens a layer's own directory.</summary>
    internal SafeFileHandle Open(LayerId layer) => Files.OpenDirectoryAt(_directory, layer.ToString());

    /// <summary>Opens a layer's tree.</summary>
    internal SafeFileHandle OpenDiff(LayerId layer)
    {
        using var directory = Open(layer);
        return Files.OpenDirectoryAt(directory, Diff);
    }

    /// <summary>
    /// Makes an empty layer, with one reference. Not durable yet: see <see cref="PoolDirectory.FlushBefore"/>.
    /// </summary>
    internal LayerId Create(DirectoryAttributes root)
    {
        var layer = LayerId.NewRandom();
        Files.MakeDirectory(_directory, layer.ToString(), 0x1C0);
        try
        {
            Fill(layer, root);
        }
        catch
        {
            // A full disk, as a rule: nobody else knows of it yet.
            TreeRemoval.Remove(_directory, layer.ToString(), CancellationToken.None);
            throw;
        }
        References.Add(layer);
        _neverMounted[layer] = true;
        return layer;
    }

    /// <summary>The attributes of a layer's root directory.</summary>
    internal DirectoryAttributes ReadRoot(LayerId layer)
    {
        using var diff = OpenDiff(layer);
        return DirectoryAttributes.Read(diff);
    }

    /// <summary>
    /// Whether a head that is not mounted adds nothing to the chain below it, so that the chain is the volume as it is. Sealing it would cost a layer each
    /// time that a snapshot is tried again on a disk without room for its record.
    /// </summary>
    internal bool IsUntouched(LayerId head, ImmutableArray<LayerId> chain)
    {
        if (chain.IsEmpty)
            return false;
        using var diff = OpenDiff(head);
        return Files.List(diff).Count == 0 && DirectoryAttributes.Read(diff).IsSameAs(ReadRoot(chain[0]));
    }

    /// <summary>
    /// Whether the layer is the upper of a live overlay mount anywhere, even one in a mount namespace that we can't see. Only a layer for which
    /// this is false may be sealed, mounted again or reclaimed. The kernel is not asked of one that cannot have been mounted: each question leaves a line
    /// in its log, which takes a millisecond where the console is a serial one.
    /// </summary>
    internal bool IsMounted(LayerId layer) => !_neverMounted.ContainsKey(layer) && IsUpperInUse(DiffOf(layer));

    /// <summary>The same of what lies in the trash.</summary>
    /// <param name="name">Its name there.</param>
    internal bool IsMountedInTrash(string name)
    {
        var diff = Path.Combine(_pool.Path, "trash", name, Diff);
        return !IsNeverMounted(name, out _) && Files.TryStat(diff) is not null && IsUpperInUse(diff);
    }

    /// <summary>Something has been removed from the trash for good.</summary>
    /// <param name="name">Its name there.</param>
    internal void Reclaimed(string name)
    {
        if (IsNeverMounted(name, out var layer))
            _neverMounted.TryRemove(layer, out _);
    }

    /// <summary>Takes references away and moves the layers that nobody names any more into the trash.</summary>
    internal void Release(params IEnumerable<LayerId> layers)
    {
        foreach (var layer in References.Remove(layers))
            _pool.Discard(_directory, layer.ToString());
    }

    /// <summary>Moves the layers that no record names into the trash. Only at load, when every record could be read.</summary>
    internal void Sweep()
    {
        foreach (var entry in Files.List(_directory))
        {
            if (!LayerId.TryParse(entry.Name, out var layer) || !References.Contains(layer))
                _pool.Discard(_directory, entry.Name);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _directory.Dispose();

    private bool IsUpperInUse(string diff) => Mounts.IsUpperInUse(diff, Path.Combine(_pool.Path, "empty"));

    /// <summary>Which layer something in the trash is: what is discarded keeps its name, and gets a random one after it. A record of that form of a key is none, and has no tree.</summary>
    internal static bool TryGetDiscarded(string name, out LayerId layer) => LayerId.TryParse(name.Split('.')[0], out layer);

    private bool IsNeverMounted(string trash, out LayerId layer) => TryGetDiscarded(trash, out layer) && _neverMounted.ContainsKey(layer);

    private void Fill(LayerId layer, DirectoryAttributes root)
    {
        using var directory = Open(layer);
        Files.MakeDirectory(directory, Work, 0x1C0);
        Files.MakeDirectory(directory, Diff, 0x1C0);
        using var diff = Files.OpenDirectoryAt(directory, Diff);
        root.Apply(diff);
    }
}
