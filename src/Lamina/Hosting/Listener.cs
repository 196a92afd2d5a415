namespace Lamina.Hosting;

/// <summary>The sockets that the daemon listens on. Each serves its own endpoints and no others.</summary>
internal enum Listener
{
    /// <summary>The CSI gRPC API, for the kubelet and the sidecars.</summary>
    Csi,

    /// <summary>The admin gRPC API, for the command line.</summary>
    Admin,

    /// <summary>The volume plugin API, for Docker and Podman.</summary>
    Docker,

    /// <summary>Metrics and health, for Prometheus and probes.</summary>
    Metrics,
}
