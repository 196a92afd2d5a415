namespace Lamina.Metrics;

/// <summary>What happened: calls and the steps that they are made of.</summary>
internal static class CallFamilies
{
    internal static readonly Family Csi = new("csi_plugin_operations_seconds", "histogram",
        "Duration of CSI calls in seconds, by method and gRPC status code.", "driver_name", "method_name", "grpc_status_code");

    internal static readonly Family Docker = new("lamina_docker_operations_seconds", "histogram",
        "Duration of calls by Docker and Podman in seconds, by method and result: OK, or the kind of error.", "method_name", "result");

    internal static readonly Family Admin = new("lamina_admin_operations_seconds", "histogram",
        "Duration of the command line's calls in seconds, by method and gRPC status code.", "method_name", "grpc_status_code");

    internal static readonly Family InFlight = new("lamina_operations_in_flight", "gauge", "Calls that are being answered.", "door");

    internal static readonly Family Steps = new("lamina_pool_step_seconds", "histogram",
        "Duration of what a pool's backend does for calls in seconds, such as create_volume, by result: OK, or the kind of error.", "pool", "step", "result");

    internal static readonly Family Pauses = new("lamina_writer_pause_seconds", "histogram",
        "How long writers stood still for a snapshot in seconds: stopped one by one (writers), or by freezing their filesystem.", "kind");

    internal static readonly Family Flushes = new("lamina_flush_seconds", "histogram",
        "How long requests waited until changes were on the disk in seconds, by request: fsync, fdatasync, syncfs, or commit of a Btrfs.", "request");

    internal static IReadOnlyList<Family> All => [Csi, Docker, Admin, InFlight, Steps, Pauses, Flushes];
}
