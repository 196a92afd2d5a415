using System.Reflection;
using Lamina.Hosting;
using Wire = Csi.V1;

namespace Lamina.Csi;

/// <summary>Who answers on the CSI socket, and where.</summary>
internal sealed class CsiPlugin(LaminaOptions options)
{
    /// <summary>The one key of our topology: a volume can be reached from the node whose pool holds it.</summary>
    internal const string TopologyKey = "topology.lamina.dev/node";

    /// <summary>The driver's name in domain form.</summary>
    internal string Name => options.DriverName;

    /// <summary>The version of this program.</summary>
    internal string Version { get; } =
        typeof(CsiPlugin).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    /// <summary>This node's name.</summary>
    internal string NodeId => options.NodeName;

    /// <summary>How many volumes the node may have; 0: no limit.</summary>
    internal long MaxVolumesPerNode => options.Csi.MaxVolumesPerNode;

    /// <summary>Whether each node has sidecars of its own, and none of them a leader that would ask the wrong node.</summary>
    internal bool IsNodeLocal => options.Csi.NodeLocal;

    /// <summary>The place of this node, and so of its volumes.</summary>
    internal Wire.Topology Place => new() { Segments = { [TopologyKey] = NodeId } };
}
