using System.Text.Json;
using System.Text.Json.Nodes;
using Lamina.Hosting;
using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Admin;

/// <summary>
/// The configuration of pools that <c>lamina pool init</c> made: a file <c>conf.d/pool-NAME.json</c> each in the configuration directory, so that
/// the administrator's own <c>lamina.json</c> is never edited.
/// </summary>
internal sealed class PoolDropIns(LaminaOptions options)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private readonly string _directory = Path.Combine(options.ConfigurationDirectory, "conf.d");

    /// <summary>Where a pool's file lies.</summary>
    internal string PathOf(PoolName name) => Path.Combine(_directory, FileNameOf(name));

    /// <summary>Whether a pool has a file of ours.</summary>
    internal bool Exists(PoolName name) => File.Exists(PathOf(name));

    /// <summary>Writes a pool's file, durably.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: the configuration can't be written.</exception>
    internal void Write(PoolSettings pool)
    {
        var content = new JsonObject { ["pools"] = new JsonObject { [pool.Name.ToString()] = ToJson(pool) } };
        try
        {
            Files.MakeDirectories(_directory, 0x1ED);
            using var directory = Files.OpenDirectory(_directory);
            DurableFile.Replace(directory, FileNameOf(pool.Name), [.. JsonSerializer.SerializeToUtf8Bytes(content, Indented), (byte)'\n'], 0x1A4);
        }
        catch (LinuxException e)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"the pool can't be written into the configuration, so it would be lost with the next restart: {e.Message}", e);
        }
    }

    /// <summary>Removes a pool's file, if it is there.</summary>
    internal void Remove(PoolName name) => File.Delete(PathOf(name));

    // What has its default value is left out: defaults may improve.
    private static JsonObject ToJson(PoolSettings pool)
    {
        var defaults = new PoolSettings { Name = pool.Name, Backend = pool.Backend, Path = pool.Path };
        var json = new JsonObject { ["backend"] = AdminMessages.NameOf(pool.Backend), [pool.Backend == PoolBackend.Zfs ? "dataset" : "path"] = pool.Path };
        if (pool.Image is { } image)
            json["image"] = image;
        if (pool.IsDefault)
            json["default"] = true;
        if (pool.DefaultSize is { } size)
            json["defaultSize"] = Exact(size);
        if (pool.MinFree != defaults.MinFree)
            json["minFree"] = Exact(pool.MinFree);
        if (pool.Overcommit is { } overcommit)
            json["overcommit"] = overcommit;
        if (pool.Ephemeral is { } ephemeral)
            json["ephemeral"] = ephemeral;
        if (pool.SimpleQuota)
            json["quota"] = "simple";
        if (!pool.PauseWriters)
            json["liveSnapshot"] = "refuse";
        if (pool.MaxPause != defaults.MaxPause)
            json["maxPause"] = pool.MaxPause.ToString("c");
        if (pool.MaxCopySize != defaults.MaxCopySize)
            json["maxCopySize"] = Exact(pool.MaxCopySize);
        if (pool.UsageInterval != defaults.UsageInterval)
            json["usageInterval"] = pool.UsageInterval.ToString("c");
        return json;
    }

    // The short form where it says the same.
    private static string Exact(ByteSize size) =>
        ByteSize.TryParse(size.ToString(), out var parsed) && parsed == size ? size.ToString() : FormattableString.Invariant($"{size.Bytes}");

    private static string FileNameOf(PoolName name) => $"pool-{name}.json";
}
