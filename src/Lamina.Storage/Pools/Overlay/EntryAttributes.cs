using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>
/// Copies owner, mode and all extended attributes, overlayfs' own included. Before the times, which the caller sets last; after the content,
/// since a write takes capabilities and set-id bits away.
/// </summary>
internal static class EntryAttributes
{
    private const string Origin = LayerTree.Prefix + "origin";

    /// <summary>Copies those of an open file or directory.</summary>
    /// <returns>Whether it was copied up from a layer below.</returns>
    internal static bool Copy(SafeFileHandle from, SafeFileHandle to, FileStatus status)
    {
        Files.ChangeOwner(to, status.Uid, status.Gid);
        Files.ChangeMode(to, status.Mode);
        return Merge(
            ExtendedAttributes.List(from),
            ExtendedAttributes.List(to),
            name => ExtendedAttributes.Get(from, name),
            name => ExtendedAttributes.Get(to, name),
            (name, value) => ExtendedAttributes.Set(to, name, value),
            name => ExtendedAttributes.Remove(to, name));
    }

    /// <summary>Copies those of what can't be opened, a symbolic link, device, FIFO or socket, to a name.</summary>
    internal static void Copy(SafeFileHandle from, SafeFileHandle directory, string name, FileStatus status)
    {
        Files.ChangeOwner(directory, name, status.Uid, status.Gid);
        if (status.Kind != FileKind.SymbolicLink)
            Files.ChangeMode(directory, name, status.Mode);
        Merge(
            ExtendedAttributes.List(from),
            ExtendedAttributes.List(directory, name),
            attribute => ExtendedAttributes.Get(from, attribute),
            attribute => ExtendedAttributes.Get(directory, name, attribute),
            (attribute, value) => ExtendedAttributes.Set(directory, name, attribute, value),
            attribute => ExtendedAttributes.Remove(directory, name, attribute));
    }

    private static bool Merge(
        IReadOnlyList<string> wanted,
        IReadOnlyList<string> present,
        Func<string, byte[]?> get,
        Func<string, byte[]?> getPresent,
        Action<string, byte[]> set,
        Action<string> remove)
    {
        // A directory's default access list gives new files attributes that the original need not have.
        foreach (var name in present)
        {
            if (!wanted.Contains(name))
                remove(name);
        }
        foreach (var name in wanted)
        {
            // Null when it has been removed since.
            if (get(name) is { } value && !(present.Contains(name) && value.AsSpan().SequenceEqual(getPresent(name))))
                set(name, value);
        }
        return wanted.Contains(Origin);
    }
}
