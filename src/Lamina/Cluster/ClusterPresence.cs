using Lamina.Hosting;

namespace Lamina.Cluster;

/// <summary>Whether there is a cluster. Where there is none, no code of the Kubernetes client is loaded: it would take memory from everybody.</summary>
internal static class ClusterPresence
{
    private const string Account = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>Whether it is wanted, and there is a kubeconfig or the service account of a pod.</summary>
    internal static bool IsThere(ClusterOptions options) => options.Enabled && (options.Kubeconfig.Length > 0 || IsInPod);

    /// <summary>The namespace of the pod, or null.</summary>
    internal static string? PodNamespace => File.Exists($"{Account}/namespace") ? File.ReadAllText($"{Account}/namespace").Trim() : null;

    private static bool IsInPod => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST")) && File.Exists($"{Account}/token");
}
