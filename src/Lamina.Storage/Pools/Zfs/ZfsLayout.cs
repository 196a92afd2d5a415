using System.Text.RegularExpressions;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>
/// Where things of a pool are, beneath its root dataset: <c>volumes/&lt;key&gt;</c>, <c>incoming/</c> where a volume is built that takes more than one step,
/// <c>trash/</c> where datasets wait until nothing is made from them any more. A snapshot that is ours has its key for its name, or one with a dot, which
/// no key has, when it is nobody's any more. It lies in whatever dataset ZFS keeps it in.
/// <para>OpenZFS does not let an encrypted clone leave its parent, so what is encrypted is built and waits beside the volumes, by a name with a dot.</para>
/// </summary>
internal sealed partial class ZfsLayout
{
    /// <summary>The longest name of a dataset or snapshot that all versions of ZFS take.</summary>
    internal const int MaxName = 255;

    private const string VolumesName = "volumes";
    private const string TrashPrefix = "trash.";
    private const string TrashMark = ".trash.";
    private const string IncomingMark = ".incoming.";

    // Before a random part, which alone might be a word that somebody has called a dataset by. No key has a colon.
    private const string UnfinishedPrefix = "unfinished:";

    private ZfsLayout(string root) => Root = root;

    /// <summary>The root dataset.</summary>
    internal string Root { get; }

    /// <summary>The ZFS pool that it lies in.</summary>
    internal string Pool => Root[..Root.IndexOf('/', StringComparison.Ordinal)];

    /// <summary>The dataset that the root dataset lies in.</summary>
    internal string Parent => Root[..Root.LastIndexOf('/')];

    /// <summary>The dataset above the volumes.</summary>
    internal string Volumes => $"{Root}/{VolumesName}";

    /// <summary>The dataset above what is being built.</summary>
    internal string Incoming => $"{Root}/incoming";

    /// <summary>The dataset above what is deleted.</summary>
    internal string Trash => $"{Root}/trash";

    /// <summary>The longest name that anything of ours can come to have.</summary>
    internal int LongestName => NewIncoming(s_longestKey, isEncrypted: true).Length + 1 + ObjectKey.MaxLength;

    private static readonly ObjectKey s_longestKey = ObjectKey.FromName(new string('a', ObjectKey.MaxLength));

    /// <summary>The layout of a root dataset.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: that can't be one.</exception>
    internal static ZfsLayout Of(string dataset)
    {
        if (!Pattern().IsMatch(dataset))
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"'{dataset}' is not the name of a dataset beneath a ZFS pool, such as tank/lamina: letters, digits and _ . : -, at least two parts");
        }
        var layout = new ZfsLayout(dataset);
        return layout.LongestName <= MaxName ? layout : throw new StorageException(StorageError.InvalidArgument,
            $"the name '{dataset}' is too long: names in ZFS have at most {MaxName} characters, and ours beneath it could have {layout.LongestName}; "
            + $"choose one of at most {dataset.Length - (layout.LongestName - MaxName)} characters");
    }

    /// <summary>The dataset of a volume.</summary>
    internal string VolumeOf(ObjectKey key) => $"{Volumes}/{key}";

    /// <summary>What lies directly beneath a dataset: the last part of its name; null for what does not.</summary>
    internal static string? NameBeneath(string parent, string dataset) =>
        dataset.Length > parent.Length + 1 && dataset.StartsWith(parent, StringComparison.Ordinal) && dataset[parent.Length] == '/' && !dataset[(parent.Length + 1)..].Contains('/')
            ? dataset[(parent.Length + 1)..]
            : null;

    /// <summary>Whether a dataset is that of a volume with a key, in whatever pool.</summary>
    internal static bool IsVolumeIn(string dataset, ObjectKey volume) => dataset.EndsWith($"/{VolumesName}/{volume}", StringComparison.Ordinal);

    /// <summary>A new name for what is being built.</summary>
    internal string NewIncoming(ObjectKey key, bool isEncrypted) => isEncrypted ? $"{VolumeOf(key)}{IncomingMark}{RandomName.New()}" : $"{Incoming}/{UnfinishedPrefix}{RandomName.New()}";

    /// <summary>A new name for what waits until nothing is made from it any more.</summary>
    internal string NewTrash(ObjectKey key, bool isEncrypted) => isEncrypted ? $"{VolumeOf(key)}{TrashMark}{RandomName.New()}" : $"{Trash}/{key}.{RandomName.New()}";

    /// <summary>A new name for what was being built and is wanted no more.</summary>
    internal string NewTrash(string incoming) =>
        NameBeneath(Volumes, incoming)?.Split(IncomingMark) is [var key, _] ? $"{Volumes}/{key}{TrashMark}{RandomName.New()}" : $"{Trash}/{UnfinishedPrefix}{RandomName.New()}";

    /// <summary>A name as it is beneath the root, which may be called otherwise some day.</summary>
    internal string WithoutRoot(string dataset) => dataset[(Root.Length + 1)..];

    /// <summary>Of which volume a dataset was that waits until nothing is made from it any more; null for all else.</summary>
    internal ObjectKey? KeyOfTrash(string dataset) =>
        IsTrash(dataset) && ObjectKey.TryParse(dataset[(dataset.LastIndexOf('/') + 1)..].Split('.')[0], out var key) ? key : null;

    /// <summary>Whether a dataset is a volume's: what it is called among the volumes, or null.</summary>
    internal string? VolumeName(string dataset) => NameBeneath(Volumes, dataset) is { } name && !name.Contains(IncomingMark) && !name.Contains(TrashMark) ? name : null;

    /// <summary>Whether a dataset is what a daemon was building.</summary>
    internal bool IsIncoming(string dataset) => NameBeneath(Incoming, dataset) is not null || NameBeneath(Volumes, dataset)?.Contains(IncomingMark) == true;

    /// <summary>Whether a dataset waits until nothing is made from it any more.</summary>
    internal bool IsTrash(string dataset) => NameBeneath(Trash, dataset) is not null || NameBeneath(Volumes, dataset)?.Contains(TrashMark) == true;

    /// <summary>Whether a dataset lies where ours do, whoever has brought it there.</summary>
    internal bool IsBeneathAParent(string dataset) => NameBeneath(Volumes, dataset) is not null || NameBeneath(Incoming, dataset) is not null || NameBeneath(Trash, dataset) is not null;

    /// <summary>Whether what is being built or waits has a name of the form that we give, which has a random part; what others bring there has another.</summary>
    internal bool IsNamedByUs(string dataset) => IsNamedUnfinished(dataset) || (NameBeneath(Trash, dataset) is { } discarded && IsMarked(discarded, "."));

    /// <summary>Whether it has a name that we give to what is being built or never was finished, and nobody else gives to anything.</summary>
    internal bool IsNamedUnfinished(string dataset) => (NameBeneath(Incoming, dataset) ?? NameBeneath(Trash, dataset)) is { } unfinished
        ? unfinished.StartsWith(UnfinishedPrefix, StringComparison.Ordinal) && RandomName.IsOne(unfinished[UnfinishedPrefix.Length..])
        : NameBeneath(Volumes, dataset) is { } hidden && (IsMarked(hidden, IncomingMark) || IsMarked(hidden, TrashMark));

    private static bool IsMarked(string name, string mark) =>
        name.Split(mark) is [var key, var random] && ObjectKey.TryParse(key, out _) && RandomName.IsOne(random);

    /// <summary>A new name for a snapshot that nobody shall see.</summary>
    internal static string NewTrashSnapshot() => TrashPrefix + RandomName.New();

    /// <summary>Whether a snapshot's name is one that nobody shall see.</summary>
    internal static bool IsTrashSnapshot(string name) => name.StartsWith(TrashPrefix, StringComparison.Ordinal);

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9_.:-]*(/[A-Za-z0-9_.:][A-Za-z0-9_.:-]*)+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
