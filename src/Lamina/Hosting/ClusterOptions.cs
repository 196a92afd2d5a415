using System.ComponentModel.DataAnnotations;

namespace Lamina.Hosting;

/// <summary>What is told to a Kubernetes cluster and asked of it, besides CSI.</summary>
internal sealed class ClusterOptions
{
    /// <summary>Whether there are events, orphans and the node's pools in the cluster; without a cluster there are none anyway.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>A kubeconfig that says where the API server is, an absolute path; empty: the service account of the pod, or no cluster.</summary>
    [AbsolutePath]
    public string Kubeconfig { get; set; } = "";

    /// <summary>The namespace of the node's pools; empty: that of the service account or the kubeconfig.</summary>
    [RegularExpression("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", ErrorMessage = "cluster:namespace must be the name of a namespace: at most 63 of a-z 0-9 - with a letter or digit at both ends")]
    public string Namespace { get; set; } = "";

    /// <summary>How often volumes and pools are looked at for it, of what is known in memory.</summary>
    [AllowedRange(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>So long a volume may be without its PersistentVolume, or the other way round, before it is called an orphan.</summary>
    [AllowedRange(typeof(TimeSpan), "00:00:01", "7.00:00:00")]
    public TimeSpan OrphanGrace { get; set; } = TimeSpan.FromMinutes(10);
}
