namespace Lamina.Linux;

/// <content>The in-use probe.</content>
public static unsafe partial class Mounts
{
    /// <summary>
    /// Whether an overlay with this upper lives anywhere: mounted here, mounted in another mount namespace, or unmounted lazily and
    /// kept by an open file. The mount table can't tell, the kernel can: it marks the upper while the superblock lives.
    /// </summary>
    /// <param name="upper">The upper directory in question.</param>
    /// <param name="lower">
    /// Any directory that is not under <paramref name="upper"/>; one that a real mount of the upper would use is best.
    /// </param>
    /// <returns>False only when the kernel says that it is free; whatever else it says counts as in use.</returns>
    /// <remarks>
    /// The question is put as an overlay mount that can't succeed: its work directory is on another mount than the upper. With index=on
    /// the kernel answers EBUSY for an upper in use before it looks at the work directory, and EINVAL for that otherwise. Each question
    /// leaves a line in the kernel's log. While it is asked the upper is marked: a mount at the same moment could be refused, so the
    /// caller's lock must be held.
    /// </remarks>
    /// <exception cref="LinuxException">
    /// ENOENT and ENOTDIR when there is no such directory, so that the question is meaningless.
    /// </exception>
    public static bool IsUpperInUse(string upper, string lower)
    {
        using var upperHandle = Files.Open(upper, OpenFlags.Path | OpenFlags.Directory);
        using var lowerHandle = Files.Open(lower, OpenFlags.Path | OpenFlags.Directory);

        // On a read-only mount the kernel answers EINVAL before it looks at the mark.
        if (Files.StatFs(upperHandle).ReadOnly)
            return true;

        // A copy of the upper's own mount is another mount, wherever the upper lies, and never appears in a mount table. As the work
        // directory would be the upper itself, even a kernel that took it for the same mount would refuse with EINVAL, only after the
        // mark.
        using var elsewhere = CloneTree(upperHandle);
        using var context = new FileSystemContext("overlay");
        // A refusal of one option is about the question and not about the upper: only the answer to the whole may say "free".
        return context.TrySet("source", "lamina-in-use-probe") != Errno.None
            || context.TrySet("lowerdir", Files.PathOf(lowerHandle)) != Errno.None
            || context.TrySet("upperdir", Files.PathOf(upperHandle)) != Errno.None
            || context.TrySet("workdir", Files.PathOf(elsewhere)) != Errno.None
            || context.TrySet("index", "on") != Errno.None
            || context.TryCreate() != Errno.EINVAL;
    }
}
