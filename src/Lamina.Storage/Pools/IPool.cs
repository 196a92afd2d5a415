using Lamina.Storage.Pools.Cuts;

namespace Lamina.Storage.Pools;

/// <summary>
/// A place for volumes on this host, with one backend. This comment is the specification that every backend keeps; one conformance suite
/// holds it against all of them.
/// </summary>
/// <remarks>
/// <para><b>Terms.</b> A <i>volume</i> is a tree of files that changes, or a raw device (<see cref="Volume.Kind"/>); where
/// <see cref="PoolFeatures.BlockVolumes"/> are offered, a tree can also have a filesystem and superblock of its own. A <i>snapshot</i> is such a tree at one moment and never changes again.
/// A <i>record</i> is what is known of either (<see cref="Volume"/>, <see cref="Snapshot"/>); it is stored in the pool beside the data and is
/// written, renamed and removed together with it. The pool is the database: there is no second place that could disagree.</para>
/// <para><b>Life cycle.</b> A volume is created empty, from a snapshot, or from a volume of the same pool. It is attached to be used and
/// detached afterwards. It is resized. It is deleted. A snapshot is cut from a volume, attached or not, and deleted. Order does not matter:
/// a snapshot outlives its volume, a volume made from a snapshot outlives the snapshot, and a clone outlives its source; none of them
/// changes when another one goes.</para>
/// <para><b>Walk through.</b> <c>CreateVolume(a)</c>; <c>Attach(a)</c> tells what to mount; a database writes; <c>BeginSnapshot(s of a)</c>
/// while it goes on writing, in three steps (begun, cut, published): <c>s</c> is what a power cut at that moment would have left. <c>CreateVolume(b from s)</c>; <c>Attach(b)</c>:
/// the database finds its data and recovers. <c>DeleteVolume(a)</c>: <c>s</c> and <c>b</c> are as before. <c>DeleteSnapshot(s)</c>: <c>b</c>
/// is as before, and what only <c>s</c> held is free.</para>
/// <para><b>Atomic and durable.</b> An object appears by one step and disappears by one step: whoever loads the pool after a crash at any
/// moment finds it whole or not at all. When a call has returned, a power cut can't change what it answered. A call that failed has changed
/// nothing that anybody can see; what it left behind under the pool's <c>incoming</c> is removed by the next load.</para>
/// <para><b>Delete answers at once</b>, whatever the object's size; the space comes back behind the scenes.</para>
/// <para><b>Never destroy on a doubt.</b> A record that can't be read, an unknown format, a pool that isn't there: reported, and nothing of
/// it is reclaimed. Nothing is sealed, attached again or reclaimed that anybody may still have mounted, in whatever mount namespace.</para>
/// <para><b>Who locks.</b> The services hold the lock of every object that a call names: no two calls for one object run at once, calls for
/// different objects do, and a pool keeps whatever those share (layers, quotas, its loaded records) consistent by itself, without holding a
/// lock while it flushes. A source of a create is locked as well.</para>
/// <para><b>No cancellation.</b> What has begun to change a pool finishes, even when its caller hangs up: the retry finds the result. So
/// the verbs that change take no token.</para>
/// <para><b>Errors</b> are <see cref="StorageException"/>, translated at the backend's edge: <see cref="StorageError.ResourceExhausted"/> for
/// a full disk, <see cref="StorageError.Unavailable"/> for a disk that is read-only or fails, <see cref="StorageError.FailedPrecondition"/>
/// for something in use. What a backend can't do at all is a flag in <see cref="PoolFeatures"/>, which the services check before the call.</para>
/// </remarks>
public interface IPool : IAsyncDisposable
{
    /// <summary>Who the pool is and what it can do. Constant while the pool is loaded.</summary>
    PoolDescription Description { get; }

    /// <summary>
    /// Reads every record, removes what crashes and deletes left behind, and makes the pool ready for the other calls. Called once, first.
    /// Records that can't be read are reported in the result and keep their data; while there is one, or a directory could not be listed,
    /// nothing is swept.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: the pool can't be used now; the message says why.</exception>
    Task<PoolContents> LoadAsync(CancellationToken cancellationToken);

    /// <summary>
    /// What is wrong just now with what the pool lies on, for a person to mend, by O(1) kernel calls: a disk that is missing or answers with
    /// errors, a filesystem that became read-only. Empty where all is well.
    /// </summary>
    IReadOnlyList<string> FindProblems() => [];

    /// <summary>Figures of what the pool lies on, as they were last read behind the scenes.</summary>
    PoolHealth Health => PoolHealth.Unknown;

    /// <summary>What the backend knows of itself besides, by O(1) kernel calls and a look into the trash, for those who watch it.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.Unavailable"/>: the disk does not answer.</exception>
    PoolFigures GetFigures() => new();

    /// <summary>The room in the pool, by O(1) kernel calls.</summary>
    PoolCapacity GetCapacity();

    /// <summary>
    /// Makes a volume from its whole record: empty, or with the content of <see cref="Volume.Source"/>, which is an object of this pool, named
    /// again by <paramref name="source"/>. The root directory of an empty volume is 0755 and root's unless the parameters say otherwise.
    /// The content of an attached source volume is cut at one write point, as for a snapshot.
    /// </summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.AlreadyExists"/>: the key is taken in the pool, even by an object whose record can't be read.
    /// </exception>
    Task CreateVolumeAsync(Volume volume, VolumeContent source);

    /// <summary>Removes a volume that is not attached.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: the data is still mounted somewhere.</exception>
    Task DeleteVolumeAsync(Volume volume);

    /// <summary>
    /// Gives a volume that is not attached the content of a snapshot of the pool, in one step: whoever loads the pool after a crash at any moment
    /// finds the volume as it was or as the snapshot is. Its record, and so its size, stays as it is; what it held goes as by a delete. Snapshots
    /// and volumes that were made from it stay as they are. Asked for only where <see cref="PoolFeatures.RestoresInPlace"/> is offered.
    /// </summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.FailedPrecondition"/>: the data is still mounted somewhere. Only where it says <see cref="StorageException.ChangedNothing"/>
    /// is it sure that the volume is as it was.
    /// </exception>
    Task RestoreVolumeAsync(Volume volume, Snapshot snapshot) =>
        throw new StorageException(StorageError.Unsupported, $"volume {volume.Id} lies in pool '{Description.Name}', which can't restore in place: its backend is {Description.Backend}");

    /// <summary>
    /// Replaces the record by one with another size, and the limit that enforces it where there is one, while the volume may be attached.
    /// </summary>
    Task ResizeVolumeAsync(Volume resized);

    /// <summary>
    /// Replaces the record by one with other attributes, and makes them hold for what is written from now on, while the volume may be attached.
    /// Only those of <see cref="PoolDescription.MutableAttributes"/> are asked for. The same call again completes one that was cut off.
    /// </summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.InvalidArgument"/>: they can't be had beside the volume's parameters; nothing was changed.
    /// </exception>
    Task ModifyVolumeAsync(Volume modified);

    /// <summary>
    /// Begins a snapshot. The <see cref="CutRunner"/> takes the cut, and <see cref="ISnapshotCut.PublishAsync"/> makes the snapshot appear;
    /// disposed of without that, it never was. The snapshot holds what was written before the write point, and nothing after it, across all files.
    /// Where the backend has no such cut of its own, the volume's writers are stopped for it (<see cref="PoolFeatures.PausesWriters"/>).
    /// A backend whose own cut is a commit of its filesystem keeps that order for what was flushed, as a power cut does; of what nobody flushed it
    /// holds all from before the call, and in a group, where nobody writes meanwhile, all from before the write point.
    /// </summary>
    /// <remarks>
    /// <para>Snapshots of one group are begun one after another, in whatever pools, cut at one write point, and only then published one after another:
    /// as long as one of them can still fail to be cut or to become durable, none has appeared.</para>
    /// <para>The pool may hold what the volume is described by locked until the cut is disposed of.</para>
    /// </remarks>
    /// <param name="snapshot">The record; <see cref="Snapshot.CreatedAt"/> and <see cref="Snapshot.Pause"/> are set when it is published.</param>
    /// <param name="volume">The volume to cut, with its use.</param>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.AlreadyExists"/>: the key is taken in the pool. <see cref="StorageError.FailedPrecondition"/>: it can't be cut
    /// while it is in use as it is; the message says by whom, and what would help.
    /// </exception>
    Task<ISnapshotCut> BeginSnapshotAsync(Snapshot snapshot, VolumeInUse volume);

    /// <summary>Removes a snapshot.</summary>
    Task DeleteSnapshotAsync(Snapshot snapshot);

    /// <summary>
    /// Makes the data of an encrypted volume readable, before it is attached; it is so until <see cref="DetachedAsync"/>, over a restart of the daemon too.
    /// </summary>
    /// <param name="volume">The volume.</param>
    /// <param name="key">Its key; null: none was given, which is fine while the data is readable.</param>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.InvalidArgument"/>: another key. <see cref="StorageError.FailedPrecondition"/>: it needs one.
    /// </exception>
    Task UnlockAsync(Volume volume, VolumeKey? key) => Task.CompletedTask;

    /// <summary>Tells what to mount for a volume, having made sure that nobody else has it mounted in a way that would harm it.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: it is still in use in a mount namespace that can't be seen from here.</exception>
    Task<MountDescription> AttachAsync(Volume volume);

    /// <summary>The volume was found mounted after a restart of the daemon, without a call of <see cref="AttachAsync"/>.</summary>
    void FoundAttached(Volume volume);

    /// <summary>After a start, or after the pool was loaded later: every volume that was found mounted has been told of, so that all others are not.</summary>
    void FoundAllAttached()
    {
    }

    /// <summary>
    /// The volume's mount is gone; the backend may put things in order, in the background too. Also called when a mount was found gone.
    /// </summary>
    Task DetachedAsync(Volume volume);

    /// <summary>
    /// What a volume uses, from counters of the kernel or from what a background walk last saw: O(1), and null where nothing is known yet.
    /// Never the disk's usage in place of the volume's.
    /// </summary>
    VolumeUsage? GetUsage(Volume volume);

    /// <summary>
    /// What the kernel lets a volume still write before its own limit, whatever snapshots hold of what it wrote before: O(1), and null where
    /// there is no limit or it is not known.
    /// </summary>
    ByteSize? GetHeadroom(Volume volume) => null;

    /// <summary>What the backend knows of a volume besides, like <see cref="GetUsage(Volume)"/>.</summary>
    VolumeFigures GetFigures(Volume volume) => new() { Headroom = GetHeadroom(volume) };

    /// <summary>What a snapshot holds, like <see cref="GetUsage(Volume)"/>.</summary>
    SnapshotUsage? GetUsage(Snapshot snapshot);

    /// <summary>
    /// Opens what tells which ranges of a raw device's snapshot hold data, or in which it differs from an older one of the same volume; what lies between
    /// them is zeros, or the same. Only asked for where there are <see cref="PoolFeatures.BlockVolumes"/>. More may be told than differs, and never less.
    /// </summary>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="since">The older one; null: what holds data.</param>
    /// <param name="from">Where to begin, in bytes, at most the snapshot's size.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    BlockRanges OpenBlocks(Snapshot snapshot, Snapshot? since, long from, CancellationToken cancellationToken) =>
        throw new StorageException(StorageError.Unsupported, $"pool '{Description.Name}' has no raw block volumes");
}
