namespace Lamina.Storage.Pools;

/// <summary>What pools need to know of this host besides their own settings.</summary>
public sealed record PoolEnvironment
{
    /// <summary>The directories at or beneath which host directories may be served as bind volumes; none: not at all.</summary>
    public IReadOnlyList<string> BindRoots { get; init; } = [];

    /// <summary>
    /// The daemon's own directories and files besides the runtime directory: its state, its pools, their images. Asked for each time, as pools come.
    /// No host directory is served that lies in one or holds one.
    /// </summary>
    public Func<IEnumerable<string>> OwnPaths { get; init; } = () => [];

    /// <summary>The commands of ZFS.</summary>
    public Zfs.ZfsPrograms ZfsPrograms { get; init; } = new();

    /// <summary>The directory for mounts and holders of this boot.</summary>
    public string RuntimeDirectory { get; init; } = Attachments.AttachmentOptions.DefaultRuntimeDirectory;
}
