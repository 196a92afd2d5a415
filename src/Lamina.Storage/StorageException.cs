using Lamina.Linux;

namespace Lamina.Storage;

/// <summary>An operation failed. The message is for the person who has to act on it: what, which value, what to do.</summary>
public sealed class StorageException : Exception
{
    /// <param name="error">The kind of failure.</param>
    /// <param name="message">What happened, to which object, and what can be done.</param>
    /// <param name="inner">The cause, where there is one.</param>
    public StorageException(StorageError error, string message, Exception? inner = null)
        : base(message, inner) => Error = error;

    /// <summary>The kind of failure.</summary>
    public StorageError Error { get; }

    /// <summary>Whether it is known that all is as it was before the call; where it is not said, something may be otherwise.</summary>
    public bool ChangedNothing { get; init; }

    /// <summary>The same, said of an operation of which it is known that all is as it was.</summary>
    internal StorageException ThatChangedNothing() => new(Error, Message, this) { ChangedNothing = true };

    /// <summary>Translates the kernel's answer at a backend's edge.</summary>
    /// <param name="what">What was being done, such as <c>create volume 'data' in pool 'default'</c>.</param>
    /// <param name="cause">What the kernel said.</param>
    public static StorageException From(string what, LinuxException cause) => cause.Errno switch
    {
        Errno.ENOSPC => new(StorageError.ResourceExhausted, $"can't {what}: no space left on the pool's filesystem", cause),
        Errno.EDQUOT => new(StorageError.ResourceExhausted, $"can't {what}: a quota of the pool's filesystem is reached", cause),
        Errno.EFBIG => new(StorageError.OutOfRange, $"can't {what}: it would be larger than a file can be on that filesystem (16 TiB on ext4); ask for less, or use a pool on XFS or Btrfs", cause),
        Errno.EROFS => new(StorageError.Unavailable, $"can't {what}: the pool's filesystem is read-only", cause),
        Errno.EIO => new(StorageError.Unavailable, $"can't {what}: the disk answered with an I/O error; see the kernel log (dmesg)", cause),
        Errno.EUCLEAN => new(StorageError.Unavailable, $"can't {what}: the filesystem is damaged; see the kernel log (dmesg), then unmount and check it", cause),
        Errno.ENODEV or Errno.ENXIO or Errno.ENOMEDIUM => new(StorageError.Unavailable, $"can't {what}: its disk is gone ({cause.Message}); see the kernel log (dmesg)", cause),
        Errno.ENOTCONN or Errno.ETIMEDOUT => new(StorageError.Unavailable, $"can't {what}: the server of the filesystem does not answer ({cause.Message})", cause),
        Errno.EBUSY => new(StorageError.FailedPrecondition, $"can't {what}: it is in use ({cause.Message})", cause),
        Errno.ESTALE => new(StorageError.Aborted, $"can't {what}: it is being changed at the same time ({cause.Message}); call again", cause),
        _ => new(StorageError.Internal, $"can't {what}: {cause.Message}", cause),
    };
}
