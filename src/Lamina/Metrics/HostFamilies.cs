namespace Lamina.Metrics;

/// <summary>The state of the daemon as a whole.</summary>
internal static class HostFamilies
{
    internal static readonly Family BuildInfo = new("lamina_build_info", "gauge", "The version that runs; always 1.", "version");
    internal static readonly Family StartTime = new("process_start_time_seconds", "gauge", "When the daemon began.");
    internal static readonly Family Cpu = new("process_cpu_seconds_total", "counter", "Processor time that the daemon has used.");
    internal static readonly Family Memory = new("process_resident_memory_bytes", "gauge", "Memory that the daemon takes.");
    internal static readonly Family OpenFiles = new("process_open_fds", "gauge", "Files, sockets and directories that the daemon has open.");
    internal static readonly Family MaxFiles = new("process_max_fds", "gauge", "How many it may have open.");
    internal static readonly Family Ready = new("lamina_ready", "gauge", "Whether all pools were tried since the daemon began (1), or they are still being read (0).");
    internal static readonly Family Running = new("lamina_operations_running", "gauge", "Operations on volumes and snapshots under way; some outlive the call that asked for them.");
    internal static readonly Family Oldest = new("lamina_oldest_operation_start_timestamp_seconds", "gauge", "When the oldest of them began; absent when nothing is under way.");
    internal static readonly Family Volumes = new("lamina_volumes", "gauge", "Volumes in all loaded pools.");
    internal static readonly Family Unpublished = new("lamina_volumes_without_series", "gauge", "Volumes beyond the 20,000 of a pool that have series of their own.");
    internal static readonly Family Snapshots = new("lamina_snapshots", "gauge", "Snapshots in all loaded pools.");

    internal static readonly Family MountsExpected = new("lamina_mounts_expected", "gauge",
        "Mounts that somebody holds, by kind: volume is that of an attached volume, publication one at a path that an orchestrator named.", "kind");

    internal static readonly Family MountsPresent = new("lamina_mounts_present", "gauge", "Those of them that the kernel has.", "kind");
    internal static readonly Family Orphans = new("lamina_orphan_mounts", "gauge", "Mounts of volumes that nobody holds.");

    internal static IReadOnlyList<Family> All =>
        [BuildInfo, StartTime, Cpu, Memory, OpenFiles, MaxFiles, Ready, Running, Oldest, Volumes, Unpublished, Snapshots, MountsExpected, MountsPresent, Orphans];
}
