using System.Text;
using Lamina.Storage;
using Wire = Csi.V1;

namespace Lamina.Csi.Requests;

/// <summary>Reads topology: whether the places that a caller names are, or include, this node.</summary>
internal static class Places
{
    private const int MaxPart = 63;

    /// <summary>Whether a volume may lie on this node. The preferred places are wishes; only the requisite ones exclude others.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: a place without segments, or with ones that can't be.</exception>
    internal static bool Allow(Wire.TopologyRequirement? requirement, CsiPlugin plugin)
    {
        if (requirement is null)
            return true;
        foreach (var place in requirement.Requisite.Concat(requirement.Preferred))
            Check(place);
        return requirement.Requisite.Count == 0 || requirement.Requisite.Any(place => Holds(place, plugin));
    }

    /// <summary>Whether this node is in the place, which is everywhere when none is named.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>, as in <see cref="Allow"/>.</exception>
    internal static bool Includes(Wire.Topology? place, CsiPlugin plugin)
    {
        if (place is null)
            return true;
        Check(place);
        return Holds(place, plugin);
    }

    // A node is in a place when all its values match; other drivers' keys are values that we don't have.
    private static bool Holds(Wire.Topology place, CsiPlugin plugin) =>
        place.Segments.All(segment => segment.Key == CsiPlugin.TopologyKey && segment.Value == plugin.NodeId);

    private static void Check(Wire.Topology place)
    {
        if (place.Segments.Count == 0)
            throw new StorageException(StorageError.InvalidArgument, $"a topology has no segments; this driver's key is {CsiPlugin.TopologyKey}");
        foreach (var (key, value) in place.Segments)
        {
            if (key.Length == 0 || key.Split('/') is { Length: > 2 } || key.Split('/').Append(value).Any(part => Encoding.UTF8.GetByteCount(part) > MaxPart))
                throw new StorageException(StorageError.InvalidArgument, $"the topology '{key}' = '{value}' is not a key and a value of at most {MaxPart} characters each");
        }
    }
}
