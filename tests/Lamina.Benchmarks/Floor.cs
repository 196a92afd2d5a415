using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Benchmarks;

/// <summary>
/// The system calls that an operation can't do without, and nothing else: no locks, no checks, no memory of what was done. What must be durable
/// before what is the same as in a pool; see the second law of the architecture.
/// </summary>
internal sealed class Floor : IDisposable
{
    private static readonly byte[] Record = new byte[600];
    private readonly bool _subvolumes;
    private readonly bool _isOrdered;
    private readonly string _path;
    private readonly SafeFileHandle _root;
    private readonly SafeFileHandle _objects;
    private readonly SafeFileHandle _incoming;
    private readonly SafeFileHandle _layers;
    private readonly SafeFileHandle _trash;

    internal Floor(Place place, string path)
    {
        _subvolumes = place == Place.Btrfs;
        _isOrdered = place is Place.OverlayOnExt4 or Place.OverlayOnXfs;
        _path = path;
        _root = Files.OpenDirectory(path);
        _objects = MakeDirectory(_root, "objects");
        _incoming = MakeDirectory(_root, "incoming");
        _layers = MakeDirectory(_root, "layers");
        _trash = MakeDirectory(_root, "trash");
        foreach (var name in (string[])["empty", "mount", "target"])
            MakeDirectory(_root, name).Dispose();
    }

    /// <summary>A new volume.</summary>
    internal void Create(string name)
    {
        if (!_subvolumes)
            MakeLayer(name);
        Publish(name, directory =>
        {
            if (_subvolumes)
                Btrfs.CreateSubvolume(directory, "data");
        });
    }

    /// <summary>A snapshot of a volume that is not mounted: a new head and a new record of the volume, and the snapshot's record.</summary>
    internal void Snapshot(string volume, string name)
    {
        using var source = Files.OpenDirectoryAt(_objects, volume);
        if (!_subvolumes)
        {
            MakeLayer(name);
            Order();
            Write(source, "record.new");
            Files.Rename(source, "record.new", source, "record");
            Files.Flush(source);
        }
        Publish(name, directory =>
        {
            if (!_subvolumes)
                return;
            using var data = Files.OpenDirectoryAt(source, "data");
            Btrfs.CreateSnapshot(directory, "data", data, readOnly: true);
        });
    }

    /// <summary>A volume disappears; what it takes is freed by <see cref="Clear"/>.</summary>
    internal void Delete(string name)
    {
        Files.Rename(_objects, name, _trash, name, RenameFlags.NoReplace);
        Files.Flush(_objects);
        if (!_subvolumes)
            Files.Rename(_layers, name, _trash, name + ".layer", RenameFlags.NoReplace);
    }

    /// <summary>Mounts a volume and binds it to a target, and takes both away again.</summary>
    internal void Mount(string name)
    {
        var mountPoint = $"{_path}/mount";
        if (_subvolumes)
        {
            Bind($"{_path}/objects/{name}/data", mountPoint);
        }
        else
        {
            var options = new OverlayOptions
            {
                LowerDirectories = [$"{_path}/empty"],
                UpperDirectory = $"{_path}/layers/{name}/diff",
                WorkDirectory = $"{_path}/layers/{name}/work",
            };
            Mounts.MountOverlay(options, mountPoint, MountAttributes.None);
        }
        Bind(mountPoint, $"{_path}/target");
        Mounts.Unmount($"{_path}/target");
        Mounts.Unmount(mountPoint);
    }

    /// <summary>Removes all objects.</summary>
    internal void Clear()
    {
        foreach (var entry in Files.List(_objects))
            Delete(entry.Name);
        foreach (var entry in Files.List(_layers))
            TreeRemoval.Remove(_layers, entry.Name, CancellationToken.None);
        foreach (var entry in Files.List(_trash))
        {
            if (_subvolumes)
            {
                using var directory = Files.OpenDirectoryAt(_trash, entry.Name);
                Btrfs.DestroySubvolume(directory, "data");
            }
            TreeRemoval.Remove(_trash, entry.Name, CancellationToken.None);
        }
    }

    public void Dispose()
    {
        foreach (var handle in (SafeFileHandle[])[_objects, _incoming, _layers, _trash, _root])
            handle.Dispose();
    }

    private static SafeFileHandle MakeDirectory(SafeFileHandle parent, string name)
    {
        Files.MakeDirectory(parent, name, 0x1ed);
        return Files.OpenDirectoryAt(parent, name);
    }

    private static void Write(SafeFileHandle directory, string name)
    {
        using var file = Files.OpenAt(directory, name, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, 0x180);
        Files.WriteAll(file, 0, Record);
        Files.Flush(file);
    }

    private static void Bind(string source, string target)
    {
        using var directory = Files.Open(source, OpenFlags.Path | OpenFlags.Directory);
        using var tree = Mounts.CloneTree(directory);
        Mounts.Attach(tree, target);
    }

    private void MakeLayer(string name)
    {
        using var layer = MakeDirectory(_layers, name);
        MakeDirectory(layer, "diff").Dispose();
        MakeDirectory(layer, "work").Dispose();
    }

    private void Publish(string name, Action<SafeFileHandle> build)
    {
        using (var directory = MakeDirectory(_incoming, name))
        {
            build(directory);
            Write(directory, "record");
            Order();
        }
        Files.Rename(_incoming, name, _objects, name, RenameFlags.NoReplace);
        Files.Flush(_objects);
    }

    private void Order()
    {
        if (!_isOrdered)
            Btrfs.CommitTransaction(_root);
    }
}
