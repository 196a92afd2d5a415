namespace Lamina.Hosting;

/// <summary>How ZFS is talked to.</summary>
internal sealed class ZfsOptions
{
    /// <summary>
    /// The file of another mount namespace, such as <c>/host/proc/1/ns/mnt</c>, whose <c>zfs</c> and <c>zpool</c> are run, in it: those of the host, for a
    /// daemon in a container. Empty: ours.
    /// </summary>
    [AbsolutePath]
    public string MountNamespace { get; set; } = "";
}
