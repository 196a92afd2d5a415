using Lamina.Linux;

namespace Lamina.Storage.Pools.Zfs;

/// <content>The verbs, each of which is one command and one step, unless its comment says otherwise.</content>
internal sealed partial class ZfsCommand
{
    private static readonly SemaphoreSlim s_mounting = new(1, 1);

    /// <summary>Properties of a dataset, and of all datasets and snapshots beneath where <paramref name="deep"/>.</summary>
    internal async Task<IReadOnlyList<ZfsProperty>> GetAsync(string dataset, bool deep, IEnumerable<string> properties, CancellationToken cancellationToken)
    {
        string[] depth = deep ? ["-r"] : [];
        var text = await AskAsync(cancellationToken, ["get", "-Hp", .. depth, "-o", "name,property,value,source", string.Join(',', properties), dataset]).ConfigureAwait(false);
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Parse)];
    }

    /// <summary>Properties of a dataset and of all datasets and snapshots beneath it, as they come: a large pool has millions.</summary>
    /// <param name="dataset">The dataset.</param>
    /// <param name="isOwnOnly">Only those that were given to an object itself.</param>
    /// <param name="properties">Their names.</param>
    /// <param name="take">Takes one.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal Task GetAllAsync(string dataset, bool isOwnOnly, IEnumerable<string> properties, Action<ZfsProperty> take, CancellationToken cancellationToken)
    {
        string[] sources = isOwnOnly ? ["-s", "local,received"] : [];
        return AskAsync(line => take(Parse(line)), cancellationToken, ["get", "-Hp", "-r", .. sources, "-o", "name,property,value,source", string.Join(',', properties), dataset]);
    }

    /// <summary>Whether there is such a dataset or snapshot.</summary>
    internal async Task<bool> ExistsAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            await AskAsync(cancellationToken, "get", "-Hp", "-o", "value", "type", name).ConfigureAwait(false);
            return true;
        }
        catch (ZfsFailure e) when (e.IsNotThere)
        {
            return false;
        }
    }

    /// <summary>Makes a dataset, with everything that it is to have.</summary>
    internal Task CreateAsync(string dataset, IEnumerable<(string Name, string Value)> properties) => CreateAsync(dataset, [], properties);

    /// <summary>As the other, of a shape: see <see cref="DatasetProperties.ShapeOf"/>.</summary>
    internal Task CreateAsync(string dataset, IEnumerable<string> shape, IEnumerable<(string Name, string Value)> properties) =>
        ChangeAsync(["create", .. shape, .. Options(properties), dataset]);

    /// <summary>Cuts snapshots at one moment; several only where <see cref="ZfsDialect.TakesSeveral"/>. All of them get the same properties.</summary>
    internal Task SnapshotAsync(IEnumerable<string> snapshots, IEnumerable<(string Name, string Value)> properties) =>
        ChangeAsync(["snapshot", .. Options(properties), .. snapshots]);

    /// <summary>Makes a dataset from a snapshot.</summary>
    internal Task CloneAsync(string snapshot, string dataset, IEnumerable<(string Name, string Value)> properties) =>
        ChangeAsync(["clone", .. Options(properties), snapshot, dataset]);

    /// <summary>Renames a dataset, with all that is beneath it, or a snapshot within its dataset. One of both names is used for this alone.</summary>
    internal async Task RenameAsync(string from, string to)
    {
        try
        {
            await ChangeAsync("rename", from, to).ConfigureAwait(false);
        }
        catch (ZfsFailure e) when (e.Error == StorageError.NotFound || e.IsTransient)
        {
            // zfs-fuse was seen to say that it is busy when it had done it: whoever tries again finds nothing to rename.
            if (await ExistsAsync(from, CancellationToken.None).ConfigureAwait(false) || !await ExistsAsync(to, CancellationToken.None).ConfigureAwait(false))
                throw;
        }
    }

    /// <summary>Makes a clone the owner of the snapshot that it was made from, and of those before it.</summary>
    internal Task PromoteAsync(string clone) => ChangeAsync("promote", clone);

    /// <summary>Takes a dataset back to its latest snapshot; refused where there is a later one.</summary>
    internal Task RollBackAsync(string snapshot) => ChangeAsync("rollback", snapshot);

    /// <summary>Destroys a dataset or a snapshot, and nothing beneath it or made from it: where there is such, it is refused. Gone already is fine.</summary>
    internal async Task DestroyAsync(string name)
    {
        try
        {
            await ChangeAsync("destroy", name).ConfigureAwait(false);
        }
        catch (ZfsFailure e) when (e.Error == StorageError.NotFound)
        {
        }
    }

    /// <summary>
    /// Sets properties: by one command where <see cref="ZfsDialect.TakesSeveral"/>, else one after another, in order. Where one is refused the others may be set.
    /// </summary>
    internal async Task SetAsync(string name, params (string Name, string Value)[] properties)
    {
        if (Dialect.TakesSeveral)
        {
            await ChangeAsync(["set", .. properties.Select(Assignment), name]).ConfigureAwait(false);
            return;
        }
        foreach (var property in properties)
            await ChangeAsync("set", Assignment(property), name).ConfigureAwait(false);
    }

    /// <summary>Mounts a dataset that is mounted nowhere at an empty directory.</summary>
    internal async Task MountAsync(string dataset, string target)
    {
        var known = await GetAsync(dataset, deep: false, ["mountpoint"], CancellationToken.None).ConfigureAwait(false);
        if (known[0].Value != target)
            await SetAsync(dataset, ("mountpoint", target)).ConfigureAwait(false);
        if (!Dialect.MountsSeveral)
            await s_mounting.WaitAsync().ConfigureAwait(false);
        try
        {
            await MountUntilAsync(dataset, target).ConfigureAwait(false);
        }
        finally
        {
            if (!Dialect.MountsSeveral)
                s_mounting.Release();
        }
    }

    // It may be mounted by a command of a daemon that was killed, as zfs-fuse goes on with it when the command is gone; or still be so elsewhere, as an unmount
    // is through only when the last mount namespace that has a copy is gone, such as that of a container that is just starting.
    private async Task MountUntilAsync(string dataset, string target)
    {
        for (var begin = _time.GetTimestamp(); ;)
        {
            try
            {
                await ChangeAsync("mount", dataset).ConfigureAwait(false);
                return;
            }
            catch (ZfsFailure e) when (e.IsMountedAlready)
            {
                if (MountTable.Read().FindTop(target)?.Source == dataset)
                    return;
                if (_time.GetElapsedTime(begin) >= Dialect.Patience)
                    throw;
            }
            await Task.Delay(s_longestWait, _time).ConfigureAwait(false);
        }
    }

    private static IEnumerable<string> Options(IEnumerable<(string Name, string Value)> properties) =>
        properties.SelectMany(property => (string[])["-o", Assignment(property)]);

    private static string Assignment((string Name, string Value) property) => $"{property.Name}={property.Value}";

    // A value may hold a tab, the others can't.
    private static ZfsProperty Parse(string line)
    {
        var fields = line.Split('\t');
        return fields.Length >= 4
            ? new ZfsProperty(fields[0], fields[1], string.Join('\t', fields[2..^1]), fields[^1])
            : throw new ZfsFailure(StorageError.Internal, "zfs get", $"it answered '{line}', which is not a name, a property, a value and a source");
    }
}
