using System.ComponentModel.DataAnnotations;

namespace Lamina.Hosting;

/// <summary>The CSI door.</summary>
internal sealed class CsiOptions
{
    /// <summary>Where it listens: <c>unix://</c> and an absolute path. The variable <c>CSI_ENDPOINT</c> sets it too.</summary>
    [Required]
    public string Endpoint { get; set; } = "unix:///run/lamina/csi.sock";

    /// <summary>
    /// Each node has sidecars of its own and there is no central controller: expansion is then the node's work alone, and there are no group
    /// snapshots, as the sidecars for them have one leader, which would ask the wrong node.
    /// </summary>
    public bool NodeLocal { get; set; }

    /// <summary>How many volumes a node may have at most; 0: no limit.</summary>
    [AllowedRange(0, long.MaxValue)]
    public long MaxVolumesPerNode { get; set; }
}
