using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>Small files that a power cut leaves either as they were or as they were to be.</summary>
public static class DurableFile
{
    /// <summary>
    /// Makes a file that isn't there yet and flushes its content. The name is durable only after the caller has flushed
    /// <paramref name="directory"/>, so that one flush can serve several files. A failure leaves no file.
    /// </summary>
    /// <param name="directory">Where.</param>
    /// <param name="name">Its name.</param>
    /// <param name="content">All of it.</param>
    /// <param name="mode">Permission bits, exact whatever the umask says.</param>
    /// <exception cref="LinuxException">EEXIST when the name is taken; ENOSPC, EDQUOT, EIO.</exception>
    public static void Create(SafeFileHandle directory, string name, ReadOnlySpan<byte> content, int mode)
    {
        using var file = Files.OpenAt(
            directory, name, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoFollow, 0x180 /* 0600 */);
        var written = false;
        try
        {
            Files.ChangeMode(file, (uint)mode);
            Files.WriteAll(file, 0, content);
            Files.Flush(file);
            written = true;
        }
        finally
        {
            if (!written)
                Discard(directory, name);
        }
    }

    /// <summary>
    /// Puts a file in the place of <paramref name="name"/>, or makes it, and returns when the new content is durable. Readers see the
    /// old or the new content, never a part. After a failure the old file is untouched, but for one: if the last flush of the directory
    /// fails, either may be there after a power cut.
    /// </summary>
    /// <param name="directory">Where; opened for reading, as it is flushed.</param>
    /// <param name="name">Its name, at most 237 bytes: the temporary one is longer.</param>
    /// <param name="content">All of it.</param>
    /// <param name="mode">Permission bits, exact whatever the umask says.</param>
    /// <remarks>A crash may leave a file <c>.&lt;name&gt;.&lt;random&gt;</c> beside it, which nobody needs.</remarks>
    public static void Replace(SafeFileHandle directory, string name, ReadOnlySpan<byte> content, int mode)
    {
        var temporary = $".{name}.{Convert.ToHexStringLower(KernelRandom.GetBytes(8))}";
        Create(directory, temporary, content, mode);
        var renamed = false;
        try
        {
            Files.Rename(directory, temporary, directory, name);
            renamed = true;
        }
        finally
        {
            if (!renamed)
                Discard(directory, temporary);
        }
        Files.Flush(directory);
    }

    private static void Discard(SafeFileHandle directory, string name)
    {
        try
        {
            Files.TryUnlink(directory, name);
        }
        catch (LinuxException)
        {
            // The error that brought us here is the one to tell.
        }
    }
}
