using Lamina.Linux;
using Lamina.Storage.Pools.Directories;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Bind;

/// <summary>Which directories of the host may be served: those at or beneath the roots that the administrator configured.</summary>
/// <param name="environment">The roots, absolute paths that only the administrator can change, and what is ours and never served.</param>
internal sealed class BindSources(PoolEnvironment environment)
{
    /// <summary>Finds a directory and makes sure that it may be served.</summary>
    /// <returns>What to mount.</returns>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.InvalidArgument"/>: under no root, through a symbolic link, ours, not there or not a directory.
    /// </exception>
    internal MountDescription.Bind Resolve(MountTarget source)
    {
        var path = source.ToString();
        var roots = environment.BindRoots;
        // The innermost root that holds it: fewer components to be distrusted.
        var root = roots.Select(root => root.Length > 1 ? root.TrimEnd('/') : root)
            .Where(root => IsAtOrBeneath(path, root))
            .MaxBy(root => root.Length)
            ?? throw Refused(source, roots.Count == 0
                ? "no host directory may be served; name their roots in \"bindRoots\" of the configuration, such as [\"/data\"]"
                : $"it is not beneath {string.Join(" or ", roots)}; add a root to \"bindRoots\" of the configuration to allow it");
        if (environment.OwnPaths().Prepend(environment.RuntimeDirectory).FirstOrDefault(own => IsAtOrBeneath(path, own) || IsAtOrBeneath(own, path)) is { } own)
            throw Refused(source, $"{own} is Lamina's own");

        var relative = Path.GetRelativePath(root, path);
        using var top = OpenRoot(root, source);
        CheckNoPoolAbove(source, top, relative);
        return new MountDescription.Bind(root, relative);
    }

    private static SafeFileHandle OpenRoot(string root, MountTarget source)
    {
        try
        {
            return Files.OpenDirectory(root);
        }
        catch (LinuxException e)
        {
            throw Refused(source, $"its root can't be opened: {e.Message}", e);
        }
    }

    // Whoever could write into a pool would write past its records and quotas, and could lead the daemon astray.
    private static void CheckNoPoolAbove(MountTarget source, SafeFileHandle root, string relative)
    {
        for (var path = relative; ; path = Path.GetDirectoryName(path) is { Length: > 0 } parent ? parent : ".")
        {
            using var directory = Open(source, root, path);
            if (Files.TryStatAt(directory, PoolDirectory.IdentityFile) is not null)
                throw Refused(source, "a Lamina pool lies there");
            if (path == ".")
                break;
        }

        // The root itself may lie in a pool. Above it only the administrator can change anything.
        for (var above = Path.GetDirectoryName(Files.CurrentPath(root)); above is not null; above = Path.GetDirectoryName(above))
        {
            if (Files.TryStat(Path.Combine(above, PoolDirectory.IdentityFile)) is not null)
                throw Refused(source, $"a Lamina pool lies there, at {above}");
        }
    }

    private static SafeFileHandle Open(MountTarget source, SafeFileHandle root, string path)
    {
        try
        {
            return Files.OpenResolved(root, path, OpenFlags.Directory, ResolveFlags.Beneath | ResolveFlags.NoSymlinks | ResolveFlags.NoMagicLinks);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT)
        {
            throw Refused(source, "it does not exist; make it first", e);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOTDIR)
        {
            throw Refused(source, "it is not a directory", e);
        }
        catch (LinuxException e) when (e.Errno is Errno.ELOOP or Errno.EXDEV)
        {
            throw Refused(source, "a symbolic link lies on its path; name the real path, so that nobody can lead it elsewhere", e);
        }
    }

    private static bool IsAtOrBeneath(string path, string top) =>
        path == top || top == "/" || (path.StartsWith(top, StringComparison.Ordinal) && path[top.Length] == '/');

    private static StorageException Refused(MountTarget source, string reason, Exception? inner = null) =>
        new(StorageError.InvalidArgument, $"the directory {source} can't be served: {reason}", inner);
}
