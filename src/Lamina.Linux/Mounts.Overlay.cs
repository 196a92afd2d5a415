using System.Text;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <content>Overlay mounts.</content>
public static unsafe partial class Mounts
{
    private const nuint MS_RDONLY = 1;
    private const nuint MS_NOSUID = 2;
    private const nuint MS_NODEV = 4;
    private const nuint MS_NOEXEC = 8;
    private const nuint MS_NOSYMFOLLOW = 256;
    private const nuint MS_NOATIME = 1024;
    private const nuint MS_NODIRATIME = 2048;
    private const nuint MS_STRICTATIME = 1 << 24;

    private static readonly Lazy<bool> s_hasLayerwiseOverlay = new(ProbeLayerwiseOverlay);

    /// <summary>Whether the kernel takes an overlay's layers one by one; needs root.</summary>
    internal static bool HasLayerwiseOverlay => s_hasLayerwiseOverlay.Value;

    /// <summary>A detached overlay mount. Layer paths may hold any character.</summary>
    /// <exception cref="LinuxException">
    /// EINVAL where the kernel doesn't know <c>lowerdir+</c>, or for options that don't fit together; ENOENT and ENOTDIR for a layer;
    /// EBUSY for an upper in use with <see cref="OverlayOptions.Index"/>; ESTALE when an index belongs to other layers; what keeps the kernel
    /// from preparing the work directory, such as ENOSPC, where it would only make a read-only mount for that.
    /// </exception>
    public static SafeFileHandle CreateOverlay(OverlayOptions options, MountAttributes attributes)
    {
        Validate(options);
        using var context = new FileSystemContext("overlay");
        context.Set("source", options.Source);
        foreach (var lower in options.LowerDirectories)
            context.Set("lowerdir+", lower);
        if (options is { UpperDirectory: { } upper, WorkDirectory: { } work })
        {
            // Unlike those of the layers below, the kernel takes backslashes out of these, as if they had come in one string.
            context.Set("upperdir", EscapeBackslash(upper));
            context.Set("workdir", EscapeBackslash(work));
        }
        foreach (var (key, value) in options.Switches)
            context.Set(key, value);
        context.Create();
        var mount = context.Mount(attributes);
        try
        {
            if (Files.StatFs(mount).ReadOnly)
                CheckMayBeReadOnly(options, attributes);
            return mount;
        }
        catch
        {
            mount.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Mounts an overlay at a path. On kernels that don't take layers one by one (Debian 12's 6.1) by mount(2), which limits the
    /// options to a page, so that deep chains fail with ENAMETOOLONG; paths are given relative to their common directory to fit more of
    /// them.
    /// </summary>
    public static void MountOverlay(OverlayOptions options, string target, MountAttributes attributes)
    {
        if (!s_hasLayerwiseOverlay.Value)
        {
            MountOverlayClassic(options, target, attributes);
            return;
        }
        using var mount = CreateOverlay(options, attributes);
        Attach(mount, target);
    }

    internal static void MountOverlayClassic(OverlayOptions options, string target, MountAttributes attributes)
    {
        Validate(options);
        var paths = options.LowerDirectories.ToList();
        if (options is { UpperDirectory: { } upper, WorkDirectory: { } work })
            paths.AddRange([upper, work]);
        var directory = CommonDirectory(paths);
        var relative = paths.ConvertAll(path => Path.GetRelativePath(directory, path));

        var data = new StringBuilder("lowerdir=");
        data.AppendJoin(':', relative.Take(options.LowerDirectories.Count).Select(EscapeLower));
        if (options.UpperDirectory is not null)
            data.Append(",upperdir=").Append(Escape(relative[^2])).Append(",workdir=").Append(Escape(relative[^1]));
        foreach (var (key, value) in options.Switches)
            data.Append(',').Append(key).Append('=').Append(value);

        var text = data.ToString();
        if (PathEncoding.GetBytes(text).Length >= Environment.SystemPageSize)
            throw new LinuxException($"mount overlay {target}", Errno.ENAMETOOLONG, $"{options.LowerDirectories.Count} layers");

        // A working directory of its own, which nobody else sees change.
        PrivateThread.Run(
            () =>
            {
                if (LibC.chdir(directory) < 0)
                    throw LinuxException.Last($"chdir {directory}");
                if (LibC.mount(options.Source, target, "overlay", ClassicFlags(attributes), text) < 0)
                    throw LinuxException.Last($"mount overlay {target}", text);
            },
            LibC.CLONE_FS);
        try
        {
            if (Files.StatFs(target).ReadOnly)
                CheckMayBeReadOnly(options, attributes);
        }
        catch
        {
            Unmount(target);
            throw;
        }
    }

    /// <summary>
    /// Fails unless a read-only mount is what was asked for. Where the kernel can't make a directory in the work directory it says so in its log alone
    /// and mounts read-only, so that the user of the mount would be the first to notice. Asked for the same, it tells us why.
    /// </summary>
    private static void CheckMayBeReadOnly(OverlayOptions options, MountAttributes attributes)
    {
        if (options is not { UpperDirectory: { } upper, WorkDirectory: { } work } || attributes.HasFlag(MountAttributes.ReadOnly) || Files.StatFs(upper).ReadOnly)
            return;
        const string probe = "lamina-probe";
        using var directory = Files.OpenDirectory(work);
        Files.TryMakeDirectory(directory, probe, 0x1C0);
        Files.RemoveDirectory(directory, probe);
        throw new LinuxException($"mount overlay of {upper}", Errno.ENOSPC, "the kernel could not make its work directory, and would have mounted it read-only");
    }

    private static void Validate(OverlayOptions options)
    {
        if (options.LowerDirectories.Count == 0)
            throw new ArgumentException("An overlay needs a lower directory.", nameof(options));
        if ((options.UpperDirectory is null) != (options.WorkDirectory is null))
            throw new ArgumentException("An upper directory needs a work directory, and the other way round.", nameof(options));
    }

    /// <summary>
    /// Whether overlay takes layers one by one. Kernels without the new interface for overlay accept any option at this stage and
    /// refuse the mount later, so one that nobody knows is the cross-check.
    /// </summary>
    private static bool ProbeLayerwiseOverlay()
    {
        using var context = new FileSystemContext("overlay");
        if (context.TrySet("lamina-no-such-option", "x") == Errno.None)
            return false;
        return context.TrySet("lowerdir+", "/") == Errno.None;
    }

    private static string CommonDirectory(List<string> paths)
    {
        var common = paths[0].Split('/')[..^1];
        foreach (var path in paths)
            common = [.. common.Zip(path.Split('/')[..^1]).TakeWhile(pair => pair.First == pair.Second).Select(pair => pair.First)];
        return common.Length <= 1 ? "/" : string.Join('/', common);
    }

    private static string EscapeBackslash(string path) => path.Replace("\\", "\\\\", StringComparison.Ordinal);

    private static string Escape(string path) => EscapeBackslash(path).Replace(",", "\\,", StringComparison.Ordinal);

    private static string EscapeLower(string path) => Escape(path).Replace(":", "\\:", StringComparison.Ordinal);

    private static nuint ClassicFlags(MountAttributes attributes)
    {
        nuint flags = 0;
        foreach (var (attribute, flag) in (ReadOnlySpan<(MountAttributes, nuint)>)
            [
                (MountAttributes.ReadOnly, MS_RDONLY),
                (MountAttributes.NoSetUid, MS_NOSUID),
                (MountAttributes.NoDevices, MS_NODEV),
                (MountAttributes.NoExecute, MS_NOEXEC),
                (MountAttributes.NoAccessTime, MS_NOATIME),
                (MountAttributes.StrictAccessTime, MS_STRICTATIME),
                (MountAttributes.NoDirectoryAccessTime, MS_NODIRATIME),
                (MountAttributes.NoSymlinkFollow, MS_NOSYMFOLLOW),
            ])
        {
            if (attributes.HasFlag(attribute))
                flags |= flag;
        }
        return flags;
    }
}
