using System.ComponentModel.DataAnnotations;
using Lamina.Storage.Pools;

namespace Lamina.Hosting;

/// <summary>Reads the configuration and checks the whole of it, before anything is started.</summary>
internal static class ConfigurationReader
{
    private const string DefaultDirectory = "/etc/lamina";

    /// <summary>The sources, each over the ones before: <c>lamina.json</c>, the files of <c>conf.d</c> by name, the environment, the arguments.</summary>
    internal static IConfigurationRoot Load(string[] arguments)
    {
        var early = new ConfigurationBuilder().AddEnvironmentVariables("LAMINA_").AddCommandLine(arguments).Build();
        var directory = early["configurationDirectory"] ?? DefaultDirectory;
        var builder = new ConfigurationBuilder();
        // A file that was named must be there; the usual one may be missing.
        builder.AddJsonFile(Path.GetFullPath(early["configurationFile"] ?? Path.Combine(directory, "lamina.json")), optional: early["configurationFile"] is null, reloadOnChange: false);
        var dropIns = Path.Combine(directory, "conf.d");
        if (Directory.Exists(dropIns))
        {
            foreach (var file in Directory.GetFiles(dropIns, "*.json").Order(StringComparer.Ordinal))
                builder.AddJsonFile(file, optional: false, reloadOnChange: false);
        }
        if (Environment.GetEnvironmentVariable("CSI_ENDPOINT") is { Length: > 0 } endpoint)
            builder.AddInMemoryCollection([new("csi:endpoint", endpoint)]);
        return builder.AddEnvironmentVariables("LAMINA_").AddCommandLine(arguments).Build();
    }

    /// <summary>Turns it into options and pools.</summary>
    /// <exception cref="ConfigurationException">Something is wrong; all of it is named.</exception>
    internal static (LaminaOptions Options, IReadOnlyList<PoolSettings> Pools) Read(IConfiguration configuration)
    {
        var errors = new List<string>();
        var options = new LaminaOptions();
        UnknownKeys(configuration, errors);
        try
        {
            configuration.Bind(options);
        }
        catch (InvalidOperationException e)
        {
            throw new ConfigurationException([.. errors, e.InnerException?.Message ?? e.Message]);
        }
        foreach (object section in (object[])[options, options.Csi, options.Admin, options.Metrics])
        {
            var failures = new List<ValidationResult>();
            Validator.TryValidateObject(section, new ValidationContext(section), failures, validateAllProperties: true);
            errors.AddRange(failures.Select(failure => failure.ErrorMessage ?? "invalid"));
        }
        if (!ListenAddress.TryParseUnix(options.Csi.Endpoint, out _))
            errors.Add($"csi:endpoint is '{options.Csi.Endpoint}'; it must be unix:// and an absolute path, such as unix:///run/lamina/csi.sock");
        if (!ListenAddress.TryParseTcp(options.Metrics.Address, out _))
            errors.Add($"metrics:address is '{options.Metrics.Address}'; it must be an address and a port such as 127.0.0.1:9810, or none");
        foreach (var root in options.BindRoots.Where(root => !Storage.MountTarget.TryParse(root, out _)))
            errors.Add($"bindRoots holds '{root}'; a root is an absolute path, and not /");
        var pools = PoolConfiguration.Read(options, errors);
        if (errors.Count > 0)
            throw new ConfigurationException(errors);
        if (options.NodeName.Length == 0)
            options.NodeName = Environment.MachineName;
        if (options.Admin.Socket.Length == 0)
            options.Admin.Socket = Path.Combine(options.RuntimeDirectory, "admin.sock");
        return (options, pools);
    }

    // A key that nobody reads is a typing error that would otherwise show when it is too late.
    private static void UnknownKeys(IConfiguration configuration, List<string> errors)
    {
        Check(configuration, "", typeof(LaminaOptions), errors, ["configurationFile", "socket"]);
        foreach (var (section, type) in ((string, Type)[])[("csi", typeof(CsiOptions)), ("admin", typeof(AdminOptions)), ("metrics", typeof(MetricsOptions))])
            Check(configuration.GetSection(section), section + ":", type, errors, []);
        foreach (var pool in configuration.GetSection("pools").GetChildren())
            Check(pool, $"pools:{pool.Key}:", typeof(PoolOptions), errors, []);
    }

    private static void Check(IConfiguration section, string prefix, Type type, List<string> errors, string[] others)
    {
        var known = type.GetProperties().Select(property => property.Name).ToList();
        foreach (var child in section.GetChildren().Where(child => !known.Concat(others).Contains(child.Key, StringComparer.OrdinalIgnoreCase)))
        {
            var names = string.Join(", ", known.Select(name => char.ToLowerInvariant(name[0]) + name[1..]));
            errors.Add($"unknown key '{prefix}{child.Key}'; known are {names}");
        }
    }
}
