using Lamina.Linux;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>What a <see cref="UpperCopy"/> knows of a file or directory that it has copied: enough to tell whether it has changed since.</summary>
/// <param name="inode">The original's inode.</param>
/// <param name="created">Its birth, since inodes are used again.</param>
/// <param name="kind">What it is, which never changes.</param>
internal sealed class CopiedEntry(ulong inode, Timestamp created, FileKind kind)
{
    private List<CopiedName>? _otherNames;

    internal ulong Inode { get; } = inode;

    internal Timestamp Created { get; } = created;

    internal FileKind Kind { get; } = kind;

    /// <summary>The original's time of change, read before its content was.</summary>
    internal Timestamp Changed { get; private set; }

    /// <summary>
    /// Whether a change after that reading would have moved the time. If not, because the time was too near to the clock or the copy is known
    /// to be incomplete, it counts as changed.
    /// </summary>
    internal bool IsSettled { get; private set; }

    /// <summary>The inode that a user of the volume sees: another one for what was copied up from a layer below. Null when not known.</summary>
    internal ulong? VisibleInode { get; set; } = inode;

    /// <summary>The last pass in which it was brought up to date, by whichever of its names.</summary>
    internal int Pass { get; set; }

    /// <summary>Whether names in the copy of this directory have come or gone, which moves its times.</summary>
    internal bool IsTouched { get; set; }

    /// <summary>What the copy of this directory holds.</summary>
    internal Dictionary<string, CopiedEntry> Children { get; } = kind == FileKind.Directory ? [] : s_none;

    /// <summary>One of its names in the copy; the only one of a directory.</summary>
    internal CopiedName Name { get; private set; }

    /// <summary>Whether the copy has more than one name.</summary>
    internal bool HasOtherNames => _otherNames is { Count: > 0 };

    private static readonly Dictionary<string, CopiedEntry> s_none = [];

    /// <summary>Whether this is a copy of that file.</summary>
    internal bool IsOf(FileStatus status) => status.Inode == Inode && status.Kind == Kind && status.Created == Created;

    /// <summary>The copy is as the original was at that reading.</summary>
    internal void Settle(Timestamp changed, bool isSettled)
    {
        Changed = changed;
        IsSettled = isSettled;
    }

    /// <summary>The copy is at this name now, and nowhere else.</summary>
    internal void MoveTo(CopiedName name)
    {
        Name = name;
        _otherNames = null;
    }

    /// <summary>The copy has got one more name.</summary>
    internal void AddName(CopiedName name) => (_otherNames ??= []).Add(name);

    /// <summary>The copy has lost one of several names.</summary>
    internal void RemoveName(CopiedName name)
    {
        if (_otherNames!.Remove(name) || name != Name)
            return;
        Name = _otherNames[^1];
        _otherNames.RemoveAt(_otherNames.Count - 1);
    }
}
