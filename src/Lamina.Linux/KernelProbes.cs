using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>
/// What the kernel beneath us really answers, which its version does not tell: distributions bring newer things to older kernels, and sandboxes refuse
/// what the kernel has. Null: it can't be told from here, such as without being root.
/// </summary>
public static class KernelProbes
{
    /// <summary>Whether openat2(2) can be called.</summary>
    public static bool? HasOpenat2 => Answers(root => Files.OpenResolved(root, ".", OpenFlags.Path, ResolveFlags.None).Dispose());

    /// <summary>Whether mount_setattr(2) can be called. What it is asked to change is no mount (EINVAL).</summary>
    public static bool? HasMountSetAttributes => Answers(_ =>
    {
        using var file = Files.Open("/proc/self/status", OpenFlags.ReadOnly);
        Mounts.SetAttributes(file, MountAttributes.None, MountAttributes.ReadOnly);
    });

    /// <summary>Whether overlay takes its layers one by one.</summary>
    public static bool? HasLayerwiseOverlay => Environment.IsPrivilegedProcess ? Mounts.HasLayerwiseOverlay : null;

    /// <summary>Whether one mount can be asked for, by statmount(2): kernels have ids for that since.</summary>
    public static bool? HasMountIds
    {
        get
        {
            using var root = Files.Open("/", OpenFlags.Path);
            return Files.Stat(root).MountIdIsUnique;
        }
    }

    /// <summary>Whether Btrfs has simple quotas; null as long as its module is not loaded.</summary>
    public static bool? HasSimpleQuotas
    {
        get
        {
            const string features = "/sys/fs/btrfs/features";
            return Directory.Exists(features) ? File.Exists(Path.Combine(features, "simple_quota")) : null;
        }
    }

    /// <summary>Whether the kernel counts and limits what is used of filesystems.</summary>
    public static bool? HasDiskQuotas => Directory.Exists("/proc/sys/fs") ? Directory.Exists("/proc/sys/fs/quota") : null;

    private static bool? Answers(Action<SafeFileHandle> call)
    {
        try
        {
            using var root = Files.Open("/", OpenFlags.Path);
            call(root);
            return true;
        }
        catch (LinuxException e)
        {
            return e.Errno switch
            {
                Errno.ENOSYS => false,
                // As root that is a sandbox; as somebody else it says nothing.
                Errno.EPERM => Environment.IsPrivilegedProcess ? false : null,
                _ => true,
            };
        }
    }
}
