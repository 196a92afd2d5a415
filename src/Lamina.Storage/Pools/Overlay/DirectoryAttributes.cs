using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>
/// Owner, mode and extended attributes of a directory in a layer. Overlayfs takes those of a merged directory from the topmost layer, so
/// whatever covers a directory gets the attributes of the one that it covers.
/// </summary>
internal sealed record DirectoryAttributes(uint Uid, uint Gid, uint Mode, IReadOnlyList<(string Name, byte[] Value)> Extended)
{
    /// <summary>Those of a new volume's root: the superuser's, 0755, unless the parameters say otherwise.</summary>
    internal static DirectoryAttributes Of(VolumeParameters parameters) => new DirectoryAttributes(0, 0, 0x1ED, []).With(parameters);

    /// <summary>Those of a layer's tree.</summary>
    internal static DirectoryAttributes Read(SafeFileHandle directory)
    {
        var status = Files.Stat(directory);
        return new DirectoryAttributes(status.Uid, status.Gid, status.Mode, [.. LayerTree.UserVisibleAttributes(directory)]);
    }

    /// <summary>Whether those are the same.</summary>
    internal bool IsSameAs(DirectoryAttributes other) =>
        (Uid, Gid, Mode) == (other.Uid, other.Gid, other.Mode)
        && Extended.Count == other.Extended.Count
        && Extended.All(own => other.Extended.Any(others => others.Name == own.Name && others.Value.AsSpan().SequenceEqual(own.Value)));

    /// <summary>The same, but for what the parameters name.</summary>
    internal DirectoryAttributes With(VolumeParameters parameters) => this with
    {
        Uid = parameters.Uid ?? Uid,
        Gid = parameters.Gid ?? Gid,
        Mode = parameters.Mode ?? Mode,
    };

    /// <summary>Gives them to a directory.</summary>
    internal void Apply(SafeFileHandle directory)
    {
        Files.ChangeOwner(directory, Uid, Gid);
        // After the owner: chown(2) takes the set-id bits away.
        Files.ChangeMode(directory, Mode);
        foreach (var (name, value) in Extended)
            ExtendedAttributes.Set(directory, name, value);
    }
}
