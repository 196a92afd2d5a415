using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>
/// Merges two sealed layers that lie directly on each other into a new one that looks the same from above. Files are hard-linked, so no data
/// is copied: the cost is one directory entry per file.
/// </summary>
/// <remarks>
/// A directory of the merged layer knows two things: what it holds by itself, and where it continues in the layers further below
/// (<see cref="Place.Below"/>). One that does not continue becomes opaque; one that continues under another path than its own gets an absolute
/// redirect; whiteouts are kept as long as there is something below that they may hide.
/// </remarks>
internal sealed class LayerMerge
{
    private readonly SafeFileHandle _lower;
    private readonly string? _rootBelow;
    private readonly CancellationToken _cancellation;

    private LayerMerge(SafeFileHandle lower, string? rootBelow, CancellationToken cancellation)
    {
        _lower = lower;
        _rootBelow = rootBelow;
        _cancellation = cancellation;
    }

    /// <summary>Merges the trees of two layers.</summary>
    /// <param name="upper">The tree of the upper one.</param>
    /// <param name="lower">The tree of the one directly below it.</param>
    /// <param name="target">An empty directory on the same filesystem.</param>
    /// <param name="isBottom">Whether there is nothing below the two.</param>
    /// <param name="cancellation">Gives the merge up; the target is left as it is.</param>
    internal static void Run(SafeFileHandle upper, SafeFileHandle lower, SafeFileHandle target, bool isBottom, CancellationToken cancellation)
    {
        var rootBelow = isBottom ? null : "/";
        new LayerMerge(lower, rootBelow, cancellation).Build(upper, new Place(lower, rootBelow), target, naturalBelow: rootBelow, depth: 0);
    }

    /// <param name="upper">The directory in the upper layer, or null.</param>
    /// <param name="place">The directory in the lower layer, or null, and where it continues below both.</param>
    /// <param name="target">The merged directory.</param>
    /// <param name="naturalBelow">Where a reader would look for its continuation without a redirect.</param>
    /// <param name="depth">How deep it lies. The root, 0, needs no marks: all roots lie on each other.</param>
    private void Build(SafeFileHandle? upper, Place place, SafeFileHandle target, string? naturalBelow, int depth)
    {
        LayerTree.CheckDepth(depth);
        _cancellation.ThrowIfCancellationRequested();
        var model = upper ?? place.Directory!;
        DirectoryAttributes.Read(model).Apply(target);
        if (depth > 0)
        {
            if (place.Below is null)
                LayerTree.SetOpaque(target);
            else if (place.Below != naturalBelow)
                LayerTree.SetRedirect(target, place.Below);
        }

        var seen = new HashSet<string>();
        if (upper is not null)
        {
            foreach (var entry in Files.List(upper))
            {
                seen.Add(entry.Name);
                if (Files.StatAt(upper, entry.Name).Kind != FileKind.Directory)
                {
                    Take(upper, entry.Name, place, target);
                    continue;
                }
                using var child = Files.OpenDirectoryAt(upper, entry.Name);
                using var below = LayerTree.IsOpaque(child) ? Place.Nowhere
                    : LayerTree.GetRedirect(child) is not { } redirect ? Step(place, entry.Name)
                    : redirect.StartsWith('/') ? Resolve(redirect)
                    : Step(place, redirect);
                Descend(child, below, entry.Name, place, target, depth + 1);
            }
        }

        if (place.Directory is not null)
        {
            foreach (var entry in Files.List(place.Directory).Where(entry => !seen.Contains(entry.Name)))
            {
                if (Files.StatAt(place.Directory, entry.Name).Kind != FileKind.Directory)
                {
                    Take(place.Directory, entry.Name, place, target);
                    continue;
                }
                using var below = Step(place, entry.Name);
                Descend(null, below, entry.Name, place, target, depth + 1);
            }
        }

        // Last: whatever was made in the directory has changed its times.
        var times = Files.Stat(model);
        Files.SetTimes(target, ".", times.Accessed, times.Modified);
    }

    private void Descend(SafeFileHandle? upper, Place below, string name, Place parent, SafeFileHandle target, int depth)
    {
        Files.MakeDirectory(target, name, 0x1C0);
        using var child = Files.OpenDirectoryAt(target, name);
        Build(upper, below, child, Place.Join(parent.Below, name), depth);
    }

    // A whiteout of the upper layer has done its work on the lower one; it is needed only for what lies below both.
    private static void Take(SafeFileHandle source, string name, Place place, SafeFileHandle target)
    {
        if (!LayerTree.IsWhiteout(Files.StatAt(source, name)))
            Files.Link(source, name, target, name);
        else if (place.Below is not null)
            LayerTree.MakeWhiteout(target, name);
    }

    /// <summary>The directory of that name in the lower layer, as a reader coming from a merged directory would find it.</summary>
    private static Place Step(Place parent, string name)
    {
        if (parent.Directory is null || Files.TryStatAt(parent.Directory, name) is not { } status)
            return new Place(null, Place.Join(parent.Below, name));
        if (status.Kind != FileKind.Directory)
            return Place.Nowhere;
        var child = Files.OpenDirectoryAt(parent.Directory, name);
        if (LayerTree.IsOpaque(child))
            return new Place(child, null);
        var redirect = LayerTree.GetRedirect(child);
        return new Place(child, redirect is null ? Place.Join(parent.Below, name) : redirect.StartsWith('/') ? redirect : Place.Join(parent.Below, redirect));
    }

    /// <summary>Walks an absolute redirect from the lower layer's root.</summary>
    private Place Resolve(string path)
    {
        var place = new Place(Files.Reopen(_lower, OpenFlags.Directory), _rootBelow);
        foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var next = Step(place, name);
            place.Dispose();
            place = next;
            if (place.Directory is null && place.Below is null)
                break;
        }
        return place;
    }

    /// <summary>Where a merged directory finds its lower part.</summary>
    /// <param name="Directory">The directory in the lower layer; null when there is none.</param>
    /// <param name="Below">Its path in the layers below both, from their root; null when it does not continue there.</param>
    private sealed record Place(SafeFileHandle? Directory, string? Below) : IDisposable
    {
        internal static readonly Place Nowhere = new(null, null);

        internal static string? Join(string? directory, string name) => directory is null ? null : directory == "/" ? "/" + name : $"{directory}/{name}";

        public void Dispose() => Directory?.Dispose();
    }
}
