using Lamina.Linux;

namespace Lamina.Cli.Doctor;

/// <summary>Something that kernels can do since a version.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Since">The first kernel that has it.</param>
/// <param name="Needed">Whether nothing goes without it.</param>
/// <param name="Purpose">What it is good for, or what is done without it.</param>
/// <param name="Probe">Asks the kernel itself; null where that says nothing, and the version counts.</param>
internal sealed record KernelFeature(string Name, KernelVersion Since, bool Needed, string Purpose, Func<bool?> Probe)
{
    /// <summary>What we use, oldest first.</summary>
    internal static readonly IReadOnlyList<KernelFeature> All =
    [
        new("openat2", new(5, 6), true, "opens paths of others without following their symbolic links", () => KernelProbes.HasOpenat2),
        new("mount_setattr", new(5, 12), true, "makes a mount read-only before anybody sees it", () => KernelProbes.HasMountSetAttributes),
        new("overlay lowerdir+", new(6, 5), false, "any number of overlay layers; without it their paths must fit into a page", () => KernelProbes.HasLayerwiseOverlay),
        new("btrfs simple quotas", new(6, 7), false, "hard limits on btrfs pools; without it sizes are advisory there", () => KernelProbes.HasSimpleQuotas),
        new("statmount", new(6, 8), false, "asks for one mount; without it the whole mount table is read each time", () => KernelProbes.HasMountIds),
    ];
}
