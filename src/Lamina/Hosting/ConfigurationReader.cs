using System.ComponentModel.DataAnnotations;
using System.Text;
using System.Text.RegularExpressions;
using Lamina.Storage.Pools;

namespace Lamina.Hosting;

/// <summary>Turns the configuration into options and checks the whole of it, before anything is started.</summary>
internal static partial class ConfigurationReader
{
    /// <summary>Turns it into options and pools.</summary>
    /// <exception cref="ConfigurationException">Something is wrong; all of it is named.</exception>
    internal static (LaminaOptions Options, IReadOnlyList<PoolSettings> Pools) Read(IConfiguration configuration)
    {
        var errors = new List<string>();
        var options = ConfigurationShape.Bind(configuration, ["configurationFile", "socket"], errors);
        if (options.NodeName.Length == 0)
            options.NodeName = HostName();
        if (options.Admin.Socket.Length == 0)
            options.Admin.Socket = Path.Combine(options.RuntimeDirectory, "admin.sock");
        foreach (object section in (object[])[options, options.Csi, options.Admin, options.Docker, options.Zfs, options.Metrics, options.Cluster])
        {
            var failures = new List<ValidationResult>();
            Validator.TryValidateObject(section, new ValidationContext(section), failures, validateAllProperties: true);
            errors.AddRange(failures.Select(failure => failure.ErrorMessage ?? "invalid"));
        }
        if (!LabelValue().IsMatch(options.NodeName))
        {
            errors.Add($"nodeName is '{options.NodeName}' (by itself it is the host's whole name); as a label value in topology it must be 1 to 63 of "
                + "A-Z a-z 0-9 - _ . with a letter or digit at both ends");
        }
        CheckAddresses(options, errors);
        foreach (var root in options.BindRoots.Where(root => !Storage.MountTarget.TryParse(root, out _)))
            errors.Add($"bindRoots holds '{root}'; a root is an absolute path, and not /");
        var pools = PoolConfiguration.Read(options, errors);
        return errors.Count == 0 ? (options, pools) : throw new ConfigurationException(errors);
    }

    private static void CheckAddresses(LaminaOptions options, List<string> errors)
    {
        if (!ListenAddress.TryParseUnix(options.Csi.Endpoint, out var socket))
            errors.Add($"csi:endpoint is '{options.Csi.Endpoint}'; it must be unix:// and an absolute path, such as unix:///run/lamina/csi.sock");
        foreach (var (key, path) in ((string, string)[])[("csi:endpoint", socket), ("admin:socket", options.Admin.Socket), ("docker:socket", options.Docker.Socket)])
        {
            if (ListenAddress.ProblemOf(path) is { } problem)
                errors.Add($"{key} is '{path}', {problem}");
        }
        if (!ListenAddress.TryParseTcp(options.Metrics.Address, out _))
            errors.Add($"metrics:address is '{options.Metrics.Address}'; it must be an address and a port such as 127.0.0.1:9810, or none");
    }

    // The whole of it, where .NET ends at the first dot: hosts of two sites may differ only behind it.
    private static string HostName() => File.ReadAllText("/proc/sys/kernel/hostname", Encoding.UTF8).Trim();

    [GeneratedRegex(@"\A[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?\z", RegexOptions.CultureInvariant)]
    private static partial Regex LabelValue();
}
