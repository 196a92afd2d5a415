using System.ComponentModel.DataAnnotations;

namespace Lamina.Hosting;

/// <summary>
/// How the daemon is configured: by <c>/etc/lamina/lamina.json</c>, the files in <c>/etc/lamina/conf.d</c>, environment variables that begin with
/// <c>LAMINA_</c>, and arguments, each over the ones before. Every error is reported at once, and unknown keys are errors.
/// </summary>
internal sealed class LaminaOptions
{
    /// <summary>This host's name in topology, which must be a label value; empty: the host's whole name.</summary>
    public string NodeName { get; set; } = "";

    /// <summary>The CSI driver's name in domain form, at most 63 characters.</summary>
    [Required, RegularExpression(@"[a-zA-Z0-9]([-a-zA-Z0-9.]{0,61}[a-zA-Z0-9])?", ErrorMessage = "driverName must be a domain name of at most 63 characters")]
    public string DriverName { get; set; } = "csi.lamina.dev";

    /// <summary>Mounts, holders and sockets: what does not outlive a boot. An absolute path.</summary>
    [Required, AbsolutePath]
    public string RuntimeDirectory { get; set; } = "/run/lamina";

    /// <summary>The embedded default pool and the daemon's own state. An absolute path.</summary>
    [Required, AbsolutePath]
    public string StateDirectory { get; set; } = "/var/lib/lamina";

    /// <summary>The configuration files, and where <c>lamina pool init</c> writes new ones. An absolute path.</summary>
    [Required, AbsolutePath]
    public string ConfigurationDirectory { get; set; } = "/etc/lamina";

    /// <summary>The pools by name. None: the embedded default, an overlay2 pool in the state directory, which stays served beside those that come later.</summary>
    public Dictionary<string, PoolOptions> Pools { get; set; } = [];

    /// <summary>Host directories beneath which bind volumes may lie. None: there are no bind volumes.</summary>
    public List<string> BindRoots { get; set; } = [];

    /// <summary>The CSI door.</summary>
    public CsiOptions Csi { get; set; } = new();

    /// <summary>The command line's door.</summary>
    public AdminOptions Admin { get; set; } = new();

    /// <summary>The door for Docker and Podman.</summary>
    public DockerOptions Docker { get; set; } = new();

    /// <summary>How ZFS is talked to.</summary>
    public ZfsOptions Zfs { get; set; } = new();

    /// <summary>Metrics and health.</summary>
    public MetricsOptions Metrics { get; set; } = new();

    /// <summary>The Kubernetes cluster, where there is one.</summary>
    public ClusterOptions Cluster { get; set; } = new();

    /// <summary>.NET's own logging configuration: levels by category.</summary>
    public Dictionary<string, object> Logging { get; set; } = [];
}
