using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>
/// How overlayfs writes down in a layer what differs from the layers below: a character device 0/0 hides a name (whiteout), the attribute
/// <c>opaque</c> makes a directory hide all below it, <c>redirect</c> tells where below a renamed directory continues.
/// </summary>
internal static class LayerTree
{
    /// <summary>
    /// How many directories may lie in each other where a tree is copied or merged, which goes into them one by one: as many as a path can name
    /// (PATH_MAX). Nothing but a program that means to make them makes more, and our stack is not endless.
    /// </summary>
    internal const int MaxDepth = 2048;

    internal const string Prefix = "trusted.overlay.";

    // What a user sets as trusted.overlay.x inside of an overlay mount is kept under this prefix: it is the user's own.
    private const string EscapedPrefix = Prefix + "overlay.";
    private const string Opaque = Prefix + "opaque";
    private const string Redirect = Prefix + "redirect";

    /// <summary>Refuses to go deeper than <see cref="MaxDepth"/>.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>.</exception>
    internal static void CheckDepth(int depth)
    {
        if (depth > MaxDepth)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"the volume has directories more than {MaxDepth} levels deep, which can't be copied or merged; remove them, or detach the volume before it is snapshotted");
        }
    }

    /// <summary>Whether the entry hides its name.</summary>
    internal static bool IsWhiteout(FileStatus status) => status is { Kind: FileKind.CharacterDevice, RepresentedDevice: 0 };

    /// <summary>Hides a name in the layers below.</summary>
    internal static void MakeWhiteout(SafeFileHandle directory, string name) => Files.MakeNode(directory, name, 0x2000 /* S_IFCHR */ | 0x180, 0);

    /// <summary>Whether the directory hides everything below it.</summary>
    internal static bool IsOpaque(SafeFileHandle directory) => ExtendedAttributes.Get(directory, Opaque) is [(byte)'y'];

    /// <summary>Makes it do so.</summary>
    internal static void SetOpaque(SafeFileHandle directory) => ExtendedAttributes.Set(directory, Opaque, "y"u8);

    /// <summary>Where below the directory continues: a name beside it, or a path from the root; null when under its own name.</summary>
    internal static string? GetRedirect(SafeFileHandle directory) =>
        ExtendedAttributes.GetPath(directory, Redirect);

    /// <summary>Makes it continue there.</summary>
    internal static void SetRedirect(SafeFileHandle directory, string path) => ExtendedAttributes.SetPath(directory, Redirect, path);

    /// <summary>The attributes that are the user's own.</summary>
    internal static IEnumerable<(string Name, byte[] Value)> UserVisibleAttributes(SafeFileHandle handle)
    {
        foreach (var name in ExtendedAttributes.List(handle))
        {
            if (name.StartsWith(Prefix, StringComparison.Ordinal) && !name.StartsWith(EscapedPrefix, StringComparison.Ordinal))
                continue;
            if (ExtendedAttributes.Get(handle, name) is { } value)
                yield return (name, value);
        }
    }
}
