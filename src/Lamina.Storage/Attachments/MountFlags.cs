using System.Collections.Immutable;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Attachments;

/// <summary>
/// The mount flags of a publication: those that one mount of a filesystem can have for itself, apart from its other mounts. A flag that only
/// says what is so anyway (<c>rw</c>, <c>exec</c>) never takes away what the administrator gave to the filesystem beneath.
/// </summary>
public sealed record MountFlags
{
    // Each group is one property: at most one flag of a group can hold.
    private static readonly ImmutableArray<(string Name, string Group, MountAttributes Attribute)> Known =
    [
        ("ro", "write", MountAttributes.ReadOnly),
        ("rw", "write", MountAttributes.None),
        ("noexec", "exec", MountAttributes.NoExecute),
        ("exec", "exec", MountAttributes.None),
        ("nosuid", "suid", MountAttributes.NoSetUid),
        ("suid", "suid", MountAttributes.None),
        ("nodev", "dev", MountAttributes.NoDevices),
        ("dev", "dev", MountAttributes.None),
        ("noatime", "atime", MountAttributes.NoAccessTime),
        ("relatime", "atime", MountAttributes.None),
        ("strictatime", "atime", MountAttributes.StrictAccessTime),
        ("nodiratime", "diratime", MountAttributes.NoDirectoryAccessTime),
        ("nosymfollow", "symlinks", MountAttributes.NoSymlinkFollow),
    ];

    private readonly string _text;

    private MountFlags(string text, MountAttributes attributes, bool setsAccessTime)
    {
        _text = text;
        Attributes = attributes;
        SetsAccessTime = setsAccessTime;
    }

    /// <summary>No flags.</summary>
    public static MountFlags None { get; } = new("", MountAttributes.None, setsAccessTime: false);

    /// <summary>What the mount gets.</summary>
    public MountAttributes Attributes { get; }

    /// <summary>Whether they say how access times are kept; else it stays as on the filesystem beneath.</summary>
    public bool SetsAccessTime { get; }

    /// <summary>Whether nothing can be written through the mount.</summary>
    public bool IsReadOnly => Attributes.HasFlag(MountAttributes.ReadOnly);

    /// <summary>Reads flags, each of which may be several separated by commas; their order does not matter.</summary>
    /// <param name="texts">The flags.</param>
    /// <param name="flags">What was read.</param>
    /// <param name="obstacle">What is wrong, for the caller alone: it quotes a flag, which does not belong in a log.</param>
    public static bool TryParse(IEnumerable<string> texts, out MountFlags flags, out string? obstacle)
    {
        flags = None;
        var names = texts.SelectMany(text => text.Split(',')).Where(name => name.Length > 0).Distinct().ToList();
        obstacle = names.Find(name => Known.All(flag => flag.Name != name)) is { } unknown
            ? $"the mount flag '{unknown}' is not allowed; allowed are {string.Join(", ", Known.Select(flag => flag.Name))}"
            : null;
        if (obstacle is not null)
            return false;
        var found = Known.Where(flag => names.Contains(flag.Name)).ToList();
        if (found.GroupBy(flag => flag.Group).FirstOrDefault(group => group.Count() > 1) is { } clash)
        {
            obstacle = $"the mount flags {string.Join(" and ", clash.Select(flag => $"'{flag.Name}'"))} contradict each other; give one of them";
            return false;
        }
        var attributes = found.Aggregate(MountAttributes.None, (all, flag) => all | flag.Attribute);
        flags = new MountFlags(string.Join(',', found.Select(flag => flag.Name)), attributes, found.Exists(flag => flag.Group == "atime"));
        return true;
    }

    /// <summary>Gives them to a mount that nobody sees yet.</summary>
    internal void Apply(SafeFileHandle mount)
    {
        if (Attributes == MountAttributes.None && !SetsAccessTime)
            return;
        // The way access times are kept is one field: to name one of its values in what is cleared chooses relatime unless another one is set.
        Mounts.SetAttributes(mount, Attributes, SetsAccessTime ? MountAttributes.NoAccessTime | MountAttributes.StrictAccessTime : MountAttributes.None);
    }

    /// <summary>As one writes them, in an order of their own: the same flags are the same text.</summary>
    public override string ToString() => _text;
}
