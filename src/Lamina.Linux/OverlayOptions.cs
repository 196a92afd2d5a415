namespace Lamina.Linux;

/// <summary>
/// What an overlay mount is made of. The defaults are those under which sealing an upper was found to lose nothing. <c>volatile</c>
/// can't be asked for: it would give up data at a crash. See the kernel's Documentation/filesystems/overlayfs.rst.
/// </summary>
public sealed record OverlayOptions
{
    /// <summary>The layers that are only read, topmost first; at least one, at most 500.</summary>
    public required IReadOnlyList<string> LowerDirectories { get; init; }

    /// <summary>The layer that takes the writes; null: read-only.</summary>
    public string? UpperDirectory { get; init; }

    /// <summary>An empty directory on the same mount as the upper, for its use only; null exactly when there is no upper.</summary>
    public string? WorkDirectory { get; init; }

    /// <summary>Directories can be renamed without copying them (redirect_dir).</summary>
    public bool RedirectDirectories { get; init; } = true;

    /// <summary>Hard links stay together on copy-up, and the upper can be mounted once only (index).</summary>
    public bool Index { get; init; }

    /// <summary>A change of attributes copies attributes only (metacopy).</summary>
    public bool MetadataCopyOnly { get; init; }

    /// <summary>Inode numbers are unique over all layers where there are bits for it (xino=auto).</summary>
    public bool XinoAuto { get; init; } = true;

    /// <summary>What the mount table shows as source.</summary>
    public string Source { get; init; } = "lamina";

    /// <summary>The options apart from layers, as the kernel names them.</summary>
    internal IEnumerable<KeyValuePair<string, string>> Switches =>
    [
        new("redirect_dir", OnOff(RedirectDirectories)),
        new("index", OnOff(Index)),
        new("metacopy", OnOff(MetadataCopyOnly)),
        new("xino", XinoAuto ? "auto" : "off"),
    ];

    private static string OnOff(bool on) => on ? "on" : "off";
}
