using System.Globalization;
using System.Text.Json;
using Lamina.Linux;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>Who a pool is, as its root dataset says; and how one is made.</summary>
internal static class ZfsIdentity
{
    // Snapshots that a tool makes of everything would keep what is deleted here.
    private const string AutoSnapshot = "com.sun:auto-snapshot";

    // What an empty one takes, by what it holds or where ZFS knows that by what it would hold without redundancy: 12 to 70 KiB, and 114 by zfs-fuse.
    private const long MaxEmpty = 128 << 10;

    /// <summary>What datasets have that only hold others.</summary>
    internal static (string Name, string Value)[] OfParent => [("canmount", "off"), ("mountpoint", "none")];

    /// <summary>Reads it.</summary>
    /// <returns>The pool's id, and what ZFS knows the root dataset by.</returns>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: it is not there, of another format, or of another backend.</exception>
    internal static async Task<(PoolId Id, ulong Guid)> ReadAsync(ZfsCommand zfs, PoolSettings settings, ZfsLayout layout)
    {
        ZfsObject root;
        try
        {
            root = await ReadRootAsync(zfs, layout).ConfigureAwait(false);
        }
        catch (ZfsFailure e) when (e.IsNotThere)
        {
            throw Unavailable($"the dataset {layout.Root} does not exist; is its ZFS pool imported (zpool import {layout.Pool})? To make a new pool there: lamina pool init {settings.Name}", e);
        }
        if (root.Own(ZfsRecords.Pool) is not { } json)
            throw Unavailable($"the dataset {layout.Root} is no pool: it has no property {ZfsRecords.Pool} of its own. To make a new pool there: lamina pool init {settings.Name}");
        try
        {
            var format = JsonSerializer.Deserialize(json, PoolIdentityJson.Default.FormatVersion)?.Format;
            if (format != PoolDirectory.Format)
                throw Unavailable($"the pool at {layout.Root} has format version {format}, and this daemon knows only {PoolDirectory.Format}; nothing was touched");
            var identity = JsonSerializer.Deserialize(json, PoolIdentityJson.Default.PoolIdentity)!;
            return identity.Backend == PoolBackend.Zfs
                ? (identity.Id, ulong.Parse(root.Value("guid") ?? "", CultureInfo.InvariantCulture))
                : throw Unavailable($"the pool at {layout.Root} was made for {identity.Backend}, but is configured as {settings.Backend}");
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw Unavailable($"the property {ZfsRecords.Pool} of {layout.Root} can't be read ({e.Message}); nothing was touched", e);
        }
    }

    /// <summary>Makes a new pool: the root dataset where there is none yet, or in one that is empty.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.InvalidArgument"/>: no such name is possible. <see cref="StorageError.FailedPrecondition"/>: there is something already.
    /// <see cref="StorageError.Unavailable"/>: there is no ZFS.
    /// </exception>
    internal static async Task InitializeAsync(PoolSettings settings, ZfsPrograms programs, TimeProvider time, CancellationToken cancellationToken)
    {
        var layout = ZfsLayout.Of(settings.Path);
        try
        {
            var zfs = await ZfsCommand.StartAsync(programs, time, layout.Pool, cancellationToken).ConfigureAwait(false);
            (string Name, string Value)[] own = [.. OfParent, (AutoSnapshot, "false")];
            await CheckOutsideOfPoolsAsync(zfs, layout, cancellationToken).ConfigureAwait(false);
            if (await zfs.ExistsAsync(layout.Root, cancellationToken).ConfigureAwait(false))
                await CheckEmptyAsync(zfs, layout, cancellationToken).ConfigureAwait(false);
            else
                await zfs.CreateAsync(layout.Root, own).ConfigureAwait(false);
            await MakeParentsAsync(zfs, layout, cancellationToken).ConfigureAwait(false);
            await zfs.SetAsync(layout.Root, own).ConfigureAwait(false);
            // Last of all, as it is what makes it a pool.
            var identity = new PoolIdentity(PoolDirectory.Format, PoolId.NewRandom(), PoolBackend.Zfs);
            await zfs.SetAsync(layout.Root, (ZfsRecords.Pool, JsonSerializer.Serialize(identity, ZfsIdentityJson.Default.PoolIdentity))).ConfigureAwait(false);
        }
        catch (ZfsFailure e)
        {
            throw new StorageException(e.Error, $"can't make pool '{settings.Name}' at {layout.Root}: {e.Message}", e);
        }
    }

    /// <summary>Makes the datasets above what is in a pool, where they are not there: empty as they are, they may have been left out of a copy of the pool.</summary>
    internal static async Task MakeParentsAsync(ZfsCommand zfs, ZfsLayout layout, CancellationToken cancellationToken)
    {
        foreach (var parent in (string[])[layout.Volumes, layout.Incoming, layout.Trash])
        {
            if (!await zfs.ExistsAsync(parent, cancellationToken).ConfigureAwait(false))
                await zfs.CreateAsync(parent, OfParent).ConfigureAwait(false);
        }
    }

    // A dataset has the properties of those above it, ours too. The outer pool would take the inner one for something of somebody else's, at best.
    private static async Task CheckOutsideOfPoolsAsync(ZfsCommand zfs, ZfsLayout layout, CancellationToken cancellationToken)
    {
        if (!await zfs.ExistsAsync(layout.Parent, cancellationToken).ConfigureAwait(false))
        {
            var hasPool = layout.Parent != layout.Pool && await zfs.ExistsAsync(layout.Pool, cancellationToken).ConfigureAwait(false);
            throw new StorageException(StorageError.FailedPrecondition, $"can't make a pool at {layout.Root}, as there is no {(hasPool ? layout.Parent : $"ZFS pool {layout.Pool}")}; " + (hasPool
                ? $"make what is above the pool first: zfs create -p -o mountpoint=none {layout.Parent}"
                : $"make the ZFS pool first, such as: zpool create {layout.Pool} /dev/DISK; or bring back one that there is: zpool import {layout.Pool}"));
        }
        var above = await zfs.GetAsync(layout.Parent, deep: false, [ZfsRecords.Pool], cancellationToken).ConfigureAwait(false);
        if (above.FirstOrDefault(property => property.Value != "-") is { } pool)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"{layout.Root} would lie in the pool at {(pool.IsOwn ? layout.Parent : pool.Source["inherited from ".Length..])}, and a pool can't lie in another; nothing was changed");
        }
    }

    // What a daemon made that was killed before it wrote who the pool is may be there already. All else might be somebody's, who would not find it any more.
    private static async Task CheckEmptyAsync(ZfsCommand zfs, ZfsLayout layout, CancellationToken cancellationToken)
    {
        if ((await ReadRootAsync(zfs, layout).ConfigureAwait(false)).Own(ZfsRecords.Pool) is not null)
            throw new StorageException(StorageError.FailedPrecondition, $"{layout.Root} holds a pool already; nothing was changed");
        var inventory = await ZfsInventory.ReadAsync(zfs, layout.Root, cancellationToken).ConfigureAwait(false);
        if (inventory.Objects.FirstOrDefault(one => one != inventory.Root && one.Name != layout.Volumes && one.Name != layout.Incoming && one.Name != layout.Trash) is { } other)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"{layout.Root} is not empty: it holds {other.Name}; a pool is made in a dataset with nothing beneath it, and nothing was changed");
        }
        foreach (var dataset in inventory.Datasets)
        {
            if (await FindContentAsync(zfs, dataset, cancellationToken).ConfigureAwait(false) is { } content)
                throw new StorageException(StorageError.FailedPrecondition, $"{dataset.Name} is not empty: {content}; a pool is made in a dataset with nothing in it, and nothing was changed");
        }
    }

    // In words; null where there is nothing.
    private static async Task<string?> FindContentAsync(ZfsCommand zfs, ZfsObject dataset, CancellationToken cancellationToken)
    {
        if (dataset.Value("type") != "filesystem")
            return $"it is a {dataset.Value("type") ?? "thing that ZFS does not name"}";
        if (ZfsMounts.List().FirstOrDefault(found => found.Mount.Source == dataset.Name) is { Mount: { } mount } one)
        {
            if (MountTable.Read().FindTop(mount.MountPoint) is not { } seen || seen.Source != dataset.Name)
                return $"it is mounted {HostMounts.Describe(one)}, and can't be looked at from here";
            return Directory.EnumerateFileSystemEntries(mount.MountPoint).Any(entry => Path.GetFileName(entry) != ".zfs") ? $"there are files in {mount.MountPoint}" : null;
        }
        var property = zfs.Dialect.Version is null ? "referenced" : "logicalreferenced";
        var held = new ZfsObject(dataset.Name, await zfs.GetAsync(dataset.Name, deep: false, [property], cancellationToken).ConfigureAwait(false)).Bytes(property);
        return held is { } bytes && bytes.Bytes <= MaxEmpty ? null : $"it is not mounted, and holds {(held is { } known ? known.ToString() : "who knows how much")}";
    }

    private static async Task<ZfsObject> ReadRootAsync(ZfsCommand zfs, ZfsLayout layout) =>
        new(layout.Root, await zfs.GetAsync(layout.Root, deep: false, ["guid", ZfsRecords.Pool], CancellationToken.None).ConfigureAwait(false));

    private static StorageException Unavailable(string message, Exception? inner = null) => new(StorageError.Unavailable, message, inner);
}
