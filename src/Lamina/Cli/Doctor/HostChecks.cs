using Lamina.Linux;

namespace Lamina.Cli.Doctor;

/// <summary>Judges what a host can do for Lamina, what is missing, and how to get it.</summary>
internal static class HostChecks
{
    private const string NewerKernel = "run a newer kernel (on Debian 12 there are some in bookworm-backports); in a container or sandbox allow the call";

    /// <summary>The command of ZFS, among <see cref="HostFacts.Tools"/>.</summary>
    internal const string ZfsCommand = "zfs";

    /// <summary>All checks, from the facts alone.</summary>
    internal static IEnumerable<V1.Check> Judge(HostFacts facts)
    {
        yield return facts.IsRoot ? Ok("root", "yes") : Problem("root", "no: mounting, and talking to the daemon, is for root alone", Failures.AsRoot);
        foreach (var check in Kernel(facts))
            yield return check;
        yield return FileSystem(facts, "overlay", needed: true, "overlay2 pools need it",
            "load the module: modprobe overlay; if there is none, run a kernel with CONFIG_OVERLAY_FS");
        yield return FileSystem(facts, "btrfs", needed: false, "btrfs pools need it", "load the module: modprobe btrfs; or use overlay2 pools");
        yield return Zfs(facts);
        yield return DiskFormat(facts, "ext4");
        yield return DiskFormat(facts, "xfs");
        yield return DiskQuotas(facts);
        yield return facts.HasLoopControl
            ? Ok("loop devices", "/dev/loop-control is there")
            : Warning("loop devices", "there is no /dev/loop-control, which raw block volumes, volumes with a filesystem of their own, and btrfs pools in an image need",
                "load the module: modprobe loop; in a container give it the device");
        foreach (var tool in FileSystemTool.All)
            yield return facts.Tools.TryGetValue(tool.Name, out var path) ? Ok(tool.Name, path) : Warning(tool.Name, $"it is missing, and {tool.Use}", $"apt-get install {tool.Package}");
        yield return facts.HasCgroup2
            ? Ok("cgroup v2", "whole containers can be stopped for a snapshot by their freezer")
            : Warning("cgroup v2", "there is no cgroup v2 at /sys/fs/cgroup: writers are stopped for a snapshot one by one",
                "boot with systemd.unified_cgroup_hierarchy=1");
        yield return PidNamespace(facts);
        yield return Propagation(facts.Mounts);
    }

    private static IEnumerable<V1.Check> Kernel(HostFacts facts)
    {
        var version = KernelVersion.Parse(facts.KernelRelease);
        yield return version is null ? Warning("kernel", $"its version can't be told from '{facts.KernelRelease}'", "see uname -r") : Ok("kernel", facts.KernelRelease);
        foreach (var feature in KernelFeature.All)
        {
            // What was tried counts: older kernels may have it too, and sandboxes refuse what the kernel has.
            var isProbed = facts.Probed.TryGetValue(feature.Name, out var has);
            if (!isProbed && version is null)
                continue;
            var missing = isProbed ? $"this kernel refuses it; Linux has it since {feature.Since}" : $"needs Linux {feature.Since}, this is {version}";
            if (isProbed ? has : version!.Value.CompareTo(feature.Since) >= 0)
                yield return Ok(feature.Name, feature.Purpose.Split(';')[0]);
            else if (feature.Needed)
                yield return Problem(feature.Name, missing, NewerKernel);
            else
                yield return Warning(feature.Name, $"{missing}: {feature.Purpose}", NewerKernel);
        }
    }

    private static V1.Check DiskQuotas(HostFacts facts) => facts.HasDiskQuotas switch
    {
        true => Ok("disk quotas", "the kernel has them: overlay2 pools on ext4 and XFS have hard limits where these are mounted with prjquota"),
        false => Warning("disk quotas", "the kernel has none: sizes of volumes in overlay2 pools are advisory",
            "run a kernel with CONFIG_QUOTA and CONFIG_QFMT_V2, or use btrfs pools with \"quota\": \"simple\""),
        null => Warning("disk quotas", "it can't be told whether the kernel has them", "is /proc mounted?"),
    };

    // Only whoever has his data in it misses it.
    private static V1.Check Zfs(HostFacts facts)
    {
        var isInKernel = facts.FileSystems.Contains("zfs") || facts.Modules.Contains("zfs");
        return facts.HasZfsElsewhere ? Ok("zfs", "the commands are those of the host, which the daemon runs in the host's mount namespace")
            : facts.Tools.ContainsKey(ZfsCommand) && !isInKernel ? Warning("zfs", "the commands are there, but the kernel does not have it: zfs pools need both, unless zfs-fuse runs",
                "load the module: modprobe zfs; on Debian it comes with apt-get install zfs-dkms linux-headers-amd64")
            : isInKernel && !facts.Tools.ContainsKey(ZfsCommand) ? Warning("zfs", "the kernel has it, but the commands are missing, which zfs pools need",
                "apt-get install zfsutils-linux; in a container, set zfs:mountNamespace, so that those of the host are run")
            : Ok("zfs", isInKernel ? "zfs pools can be made" : "there is none on this host, which matters only for zfs pools");
    }

    // Only whoever has such a disk misses it.
    private static V1.Check DiskFormat(HostFacts facts, string name) =>
        Ok(name, facts.FileSystems.Contains(name) || facts.Modules.Contains(name)
            ? "overlay2 pools can lie on it"
            : "the kernel does not have it, which matters only for a disk of that kind");

    private static V1.Check FileSystem(HostFacts facts, string name, bool needed, string purpose, string advice) =>
        facts.FileSystems.Contains(name) ? Ok(name, "the kernel has it")
        : facts.Modules.Contains(name) ? Ok(name, "a module, loaded when it is first used")
        : needed ? Problem(name, $"the kernel does not have it: {purpose}", advice)
        : Warning(name, $"the kernel does not have it: {purpose}", advice);

    private static V1.Check PidNamespace(HostFacts facts) => facts.PidNamespace switch
    {
        HostFacts.HostPidNamespace => Ok("pid namespace", "the host's: every writer of a volume can be seen"),
        null => Warning("pid namespace", "it can't be read", "run as root"),
        var other => Warning("pid namespace",
            $"not the host's ({other}): a daemon here can't see every writer, and refuses snapshots of overlay2 volumes in use",
            "run the daemon on the host, or in a container with hostPID: true"),
    };

    // Where the mount point of the runtime directory is private, containers that were given the directory before a volume was mounted don't see it.
    private static V1.Check Propagation(MountTable mounts)
    {
        var beneath = mounts.Entries.LastOrDefault(entry => entry.MountPoint == "/run/lamina")
            ?? mounts.Entries.LastOrDefault(entry => entry.MountPoint == "/run")
            ?? mounts.Entries.LastOrDefault(entry => entry.MountPoint == "/");
        if (beneath is null)
            return Warning("mount propagation", "the mount table can't be read", "is /proc mounted?");
        return beneath.OptionalFields.Any(field => field.StartsWith("shared:", StringComparison.Ordinal))
            ? Ok("mount propagation", $"{beneath.MountPoint} is shared: containers see volumes that are mounted later")
            : Warning("mount propagation",
                $"{beneath.MountPoint} is not shared: a container that has the directory does not see volumes that are mounted later",
                $"mount --make-rshared {beneath.MountPoint}");
    }

    private static V1.Check Ok(string name, string detail) => new() { Name = name, Status = V1.CheckStatus.Ok, Detail = detail };

    private static V1.Check Warning(string name, string detail, string advice) =>
        new() { Name = name, Status = V1.CheckStatus.Warning, Detail = detail, Advice = advice };

    private static V1.Check Problem(string name, string detail, string advice) =>
        new() { Name = name, Status = V1.CheckStatus.Problem, Detail = detail, Advice = advice };
}
