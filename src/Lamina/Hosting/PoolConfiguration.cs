using System.ComponentModel.DataAnnotations;
using Lamina.Storage;
using Lamina.Storage.Pools;

namespace Lamina.Hosting;

/// <summary>Turns the pools of the configuration into the domain's settings, and says everything that is wrong with them at once.</summary>
internal static class PoolConfiguration
{
    /// <summary>The settings of every configured pool, and of the pool of bind volumes when there are roots for them.</summary>
    /// <param name="options">The configuration.</param>
    /// <param name="errors">What is wrong, a line each.</param>
    internal static IReadOnlyList<PoolSettings> Read(LaminaOptions options, ICollection<string> errors)
    {
        var pools = new List<PoolSettings>();
        foreach (var (name, pool) in options.Pools)
        {
            if (Read(name, pool, errors) is { } settings)
                pools.Add(settings);
        }
        if (pools.Count(pool => pool.IsDefault) > 1)
            errors.Add($"pools: {string.Join(" and ", pools.Where(pool => pool.IsDefault).Select(pool => pool.Name))} are both marked default; one may be");
        foreach (var same in pools.GroupBy(pool => pool.Path).Where(same => same.Count() > 1))
            errors.Add($"pools: {string.Join(" and ", same.Select(pool => pool.Name))} have the same path {same.Key}");
        var datasets = pools.Where(pool => pool.Backend == PoolBackend.Zfs).ToList();
        foreach (var outer in datasets)
        {
            foreach (var inner in datasets.Where(inner => inner.Path.StartsWith($"{outer.Path}/", StringComparison.Ordinal)))
                errors.Add($"pools: {inner.Name} at {inner.Path} lies in {outer.Name} at {outer.Path}; a pool can't lie in another");
        }
        foreach (var same in pools.Where(pool => pool.Image is not null).GroupBy(pool => pool.Image).Where(same => same.Count() > 1))
            errors.Add($"pools: {string.Join(" and ", same.Select(pool => pool.Name))} have the same image {same.Key}");
        if (options.Pools.Count == 0)
            pools.Add(EmbeddedDefault(options));
        if (options.BindRoots.Count > 0)
            pools.Add(new PoolSettings { Name = PoolName.Bind, Backend = PoolBackend.Bind, Path = Path.Combine(options.StateDirectory, "bind") });
        return pools;
    }

    /// <summary>
    /// The embedded pool beside others, wherever it was made: whoever configures pools later has volumes in it. None when it was not made, was forgotten,
    /// or is one of the others: also by another path, or as a copy, as of two with one id neither would be served, and one was named.
    /// </summary>
    internal static IReadOnlyList<PoolSettings> EmbeddedBeside(IReadOnlyList<PoolSettings> others, LaminaOptions options, ForgottenPools forgotten)
    {
        var embedded = EmbeddedDefault(options);
        if (others.Any(pool => pool.Path == embedded.Path) || !PoolOpener.IsMade(embedded.Path))
            return [];
        // One that can't be read is for whoever loads the pool to tell.
        if (PoolOpener.TryReadId(embedded.Path) is { } id && (forgotten.Contains(id) || others.Any(pool => pool.Backend != PoolBackend.Zfs && PoolOpener.TryReadId(pool.Path) == id)))
            return [];
        return [embedded with { Name = NameBeside(others), IsDefault = others.All(pool => !pool.IsDefault) }];
    }

    /// <summary>The pool that is served when none is configured.</summary>
    internal static PoolSettings EmbeddedDefault(LaminaOptions options) => new()
    {
        Name = PoolName.Default,
        Backend = PoolBackend.Overlay2,
        Path = Path.Combine(options.StateDirectory, "pools", "default"),
        IsDefault = true,
    };

    /// <summary>One pool's settings; null when something is wrong with it.</summary>
    internal static PoolSettings? Read(string name, PoolOptions options, ICollection<string> errors)
    {
        var before = errors.Count;
        if (!PoolName.TryParse(name, out var poolName))
            errors.Add($"pools:{name}: '{name}' is not {PoolName.Grammar}");
        else if (poolName == PoolName.Bind)
            errors.Add("pools:bind: the name is taken by the bind volumes; name their roots in bindRoots");
        var failures = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), failures, validateAllProperties: true);
        foreach (var failure in failures)
            errors.Add($"pools:{name}: {failure.ErrorMessage}");
        PoolBackend? backend = options.Backend switch
        {
            "overlay2" => PoolBackend.Overlay2,
            "btrfs" => PoolBackend.Btrfs,
            "zfs" => PoolBackend.Zfs,
            _ => null,
        };
        CheckPlace(name, backend, options, errors);
        if (backend is null && options.Backend.Length > 0)
            errors.Add($"pools:{name}:backend is '{options.Backend}'; allowed are overlay2, btrfs and zfs");
        if (backend is PoolBackend.Overlay2 && options.Image.Length > 0)
            errors.Add($"pools:{name}:image is '{options.Image}', but only a btrfs pool lies in an image");
        if (backend is PoolBackend.Overlay2 && options.Quota == "simple")
            errors.Add($"pools:{name}:quota is 'simple', which is of Btrfs; an overlay2 pool enforces sizes where its filesystem has project quotas");
        var defaultSize = ReadSize($"pools:{name}:defaultSize", options.DefaultSize, errors);
        var minFree = ReadSize($"pools:{name}:minFree", options.MinFree, errors) ?? ByteSize.Zero;
        var maxCopySize = ReadSize($"pools:{name}:maxCopySize", options.MaxCopySize, errors) ?? ByteSize.Zero;
        if (errors.Count > before)
            return null;
        return new PoolSettings
        {
            Name = poolName,
            Backend = backend!.Value,
            Path = backend == PoolBackend.Zfs ? options.Dataset : options.Path,
            Image = options.Image.Length > 0 ? options.Image : null,
            IsDefault = options.Default,
            DefaultSize = defaultSize,
            MinFree = minFree,
            Overcommit = options.Overcommit,
            Ephemeral = options.Ephemeral,
            SimpleQuota = options.Quota == "simple",
            PauseWriters = options.LiveSnapshot == "pause",
            MaxPause = options.MaxPause,
            MaxCopySize = maxCopySize,
            UsageInterval = options.UsageInterval,
        };
    }

    private static PoolName NameBeside(IReadOnlyList<PoolSettings> others)
    {
        var name = PoolName.Default;
        for (var number = 2; others.Any(pool => pool.Name == name); number++)
            name = IStorageValue<PoolName>.Parse(FormattableString.Invariant($"{PoolName.Default}-{number}"));
        return name;
    }

    private static void CheckPlace(string name, PoolBackend? backend, PoolOptions options, ICollection<string> errors)
    {
        if (backend != PoolBackend.Zfs)
        {
            if (options.Path.Length == 0)
                errors.Add($"pools:{name}: The Path field is required.");
            if (options.Dataset.Length > 0)
                errors.Add($"pools:{name}:dataset is '{options.Dataset}', but only a zfs pool lies in a dataset");
            return;
        }
        if (options.Path.Length > 0)
            errors.Add($"pools:{name}:path is '{options.Path}', but a zfs pool lies in a dataset; leave the path out, its volumes are mounted under the runtime directory");
        if (options.Image.Length > 0)
            errors.Add($"pools:{name}:image is '{options.Image}', but only a btrfs pool lies in an image");
        if (options.Quota == "simple")
            errors.Add($"pools:{name}:quota is 'simple', which is of Btrfs; a zfs pool always enforces sizes");
        if (options.Dataset.Length == 0)
            errors.Add($"pools:{name}: The Dataset field is required, such as tank/lamina.");
        else if (PoolSettings.FlawOfDataset(options.Dataset) is { } flaw)
            errors.Add($"pools:{name}:dataset: {flaw}");
    }

    private static ByteSize? ReadSize(string key, string text, ICollection<string> errors)
    {
        if (text.Length == 0)
            return null;
        if (ByteSize.TryParse(text, out var size))
            return size;
        errors.Add($"{key} is '{text}', which is not a size such as 10Gi");
        return null;
    }
}
