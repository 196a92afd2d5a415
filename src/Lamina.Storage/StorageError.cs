namespace Lamina.Storage;

/// <summary>What went wrong, in the terms that every front door can translate. One table per door does so.</summary>
public enum StorageError
{
    /// <summary>A value from outside is not what it must be. The message names it and what is allowed.</summary>
    InvalidArgument,

    /// <summary>There is no such volume, snapshot or pool.</summary>
    NotFound,

    /// <summary>The name is taken by an object that is not compatible with what is asked.</summary>
    AlreadyExists,

    /// <summary>The object is in use, or not in the state that the operation needs.</summary>
    FailedPrecondition,

    /// <summary>Another operation on the same object is still running; the same call may be made again.</summary>
    Aborted,

    /// <summary>There is no room here, or a limit of the pool would be passed.</summary>
    ResourceExhausted,

    /// <summary>It can't lie on this host, whatever room there is: where it belongs is another one.</summary>
    NotHere,

    /// <summary>A size that can never be met, or one that is smaller than the source.</summary>
    OutOfRange,

    /// <summary>The pool is not loaded, or the daemon is still starting. Nothing can be said about the object.</summary>
    Unavailable,

    /// <summary>The pool's backend can't do this at all.</summary>
    Unsupported,

    /// <summary>A record can't be read, or the pool contradicts itself. Nothing is touched.</summary>
    DataLoss,

    /// <summary>The kernel or the disk failed in a way that nobody foresaw.</summary>
    Internal,
}
