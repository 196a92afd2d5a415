using Lamina.Linux;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>A command failed. At the pool's edge it becomes a <see cref="StorageException"/>.</summary>
/// <param name="error">What it means to the domain.</param>
/// <param name="command">What was asked, without its values: <c>zfs rename</c>.</param>
/// <param name="text">What the command said, whole.</param>
/// <param name="isTransient">Whether the same command may succeed in a moment.</param>
internal sealed class ZfsFailure(StorageError error, string command, string text, bool isTransient = false) : Exception($"{command}: {text}")
{
    // What commands say, by the order in which it is looked for. zfs-fuse 0.7 and OpenZFS 2.3 say the same unless a comment tells otherwise.
    private static readonly (string Text, StorageError Error, bool IsTransient)[] Known =
    [
        ("dataset already exists", StorageError.AlreadyExists, false),
        ("parent does not exist", StorageError.NotFound, false),
        ("dataset does not exist", StorageError.NotFound, false),
        ("could not find any snapshots to destroy", StorageError.NotFound, false), // OpenZFS
        ("no such pool or dataset", StorageError.NotFound, false), // gone since it was found
        ("no such pool", StorageError.Unavailable, false),
        ("out of space", StorageError.ResourceExhausted, false),
        ("quota exceeded", StorageError.ResourceExhausted, false),
        ("size is greater than available space", StorageError.ResourceExhausted, false),
        ("size is less than current used or reserved space", StorageError.OutOfRange, false),
        ("it's being held", StorageError.FailedPrecondition, false), // OpenZFS; zfs-fuse: busy
        ("pool or dataset is busy", StorageError.FailedPrecondition, true), // OpenZFS
        ("dataset is busy", StorageError.FailedPrecondition, true),
        ("target is busy", StorageError.FailedPrecondition, true),
        ("unmount child process failed", StorageError.FailedPrecondition, true),
        ("umount child process failed", StorageError.FailedPrecondition, true), // zfs-fuse
        ("dependent clones", StorageError.FailedPrecondition, false),
        ("has children", StorageError.FailedPrecondition, false),
        ("conflicting snapshot", StorageError.FailedPrecondition, false),
        ("more recent snapshots", StorageError.FailedPrecondition, false),
        ("not a cloned filesystem", StorageError.FailedPrecondition, false),
        ("already mounted", StorageError.FailedPrecondition, false),
        ("directory is not empty", StorageError.FailedPrecondition, false),
        ("no mountpoint set", StorageError.FailedPrecondition, false),
        ("Incorrect key provided", StorageError.InvalidArgument, false), // OpenZFS, as all of keys
        ("Passphrase too short", StorageError.InvalidArgument, false),
        ("encryption failure", StorageError.InvalidArgument, false), // no key was given
        ("is not encrypted", StorageError.InvalidArgument, false),
        ("Key already loaded", StorageError.AlreadyExists, false),
        ("Key already unloaded", StorageError.NotFound, false),
        ("' is busy", StorageError.FailedPrecondition, true), // a key, for a moment after an unmount too
        ("Key unload error", StorageError.FailedPrecondition, false),
        ("Keys must be loaded for encryption root", StorageError.FailedPrecondition, false),
        ("Keys cannot be changed on clones", StorageError.FailedPrecondition, false),
        ("outside of its encryption root", StorageError.FailedPrecondition, false),
        ("key not loaded", StorageError.FailedPrecondition, false),
        ("key must be loaded", StorageError.FailedPrecondition, false),
        ("pool I/O is currently suspended", StorageError.Unavailable, false),
        ("I/O error", StorageError.Unavailable, false),
        // As strerror(3) says it, where the command has no words of its own.
        ("Input/output error", StorageError.Unavailable, false),
        ("No space left on device", StorageError.ResourceExhausted, false),
        ("Disk quota exceeded", StorageError.ResourceExhausted, false),
        ("Cannot allocate memory", StorageError.Unavailable, true),
        ("Connection refused", StorageError.Unavailable, false), // zfs-fuse whose daemon has ended
        ("zfs-fuse daemon is running", StorageError.Unavailable, false), // or was never started
        ("modules are not loaded", StorageError.Unavailable, false), // OpenZFS without its module
        ("modules cannot be auto-loaded", StorageError.Unavailable, false),
        ("must be run as root", StorageError.Unavailable, false),
        ("permission denied", StorageError.Unavailable, false),
        ("Insufficient privileges", StorageError.Unavailable, false),
        ("pool is read-only", StorageError.Unavailable, false),
        ("Read-only", StorageError.Unavailable, false),
        ("name is too long", StorageError.InvalidArgument, false),
        ("invalid character", StorageError.InvalidArgument, false),
        ("invalid property", StorageError.InvalidArgument, false),
        ("does not apply to datasets of this type", StorageError.InvalidArgument, false),
        ("property value too long", StorageError.InvalidArgument, false),
        ("is readonly", StorageError.InvalidArgument, false), // once it is there
        ("must be", StorageError.InvalidArgument, false),
        ("not supported", StorageError.Unsupported, false),
        ("feature must be enabled", StorageError.Unsupported, false),
    ];

    /// <summary>What it means to the domain.</summary>
    internal StorageError Error { get; } = error;

    /// <summary>Whether the same command may succeed in a moment: an unmount is not through yet.</summary>
    internal bool IsTransient { get; } = isTransient;

    /// <summary>Whether there is no ZFS pool of that name here, or none with such a dataset.</summary>
    internal bool IsNotThere => Error == StorageError.NotFound || text.Contains("no such pool", StringComparison.Ordinal);

    /// <summary>Whether a dataset that was to be mounted is so already.</summary>
    internal bool IsMountedAlready => text.Contains("already mounted", StringComparison.Ordinal);

    /// <summary>Whether a key that was to be loaded is so already.</summary>
    internal bool IsLoadedAlready => text.Contains("Key already loaded", StringComparison.Ordinal);

    /// <summary>Whether a key that was to be unloaded is so already.</summary>
    internal bool IsUnloadedAlready => text.Contains("Key already unloaded", StringComparison.Ordinal);

    /// <summary>From how a command ended. What is not known is kept whole, and is nobody's fault in particular.</summary>
    internal static ZfsFailure Of(string command, ChildResult result, StorageError unknown = StorageError.Internal)
    {
        var text = WithoutUsage(result.Error.Length > 0 ? result.Error : result.Output).Trim();
        foreach (var (known, error, isTransient) in Known)
        {
            if (text.Contains(known, StringComparison.Ordinal))
                return new ZfsFailure(error, command, text, isTransient);
        }
        return new ZfsFailure(unknown, command, text.Length > 0 ? text : $"it ended with {result.ExitCode} and without a word");
    }

    // OpenZFS tells some who ask for what is not there how to ask.
    private static string WithoutUsage(string text) => text.IndexOf("\nusage:", StringComparison.Ordinal) is var usage and > 0 ? text[..usage] : text;
}
