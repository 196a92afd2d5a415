using Microsoft.Extensions.Logging;

namespace Lamina.Storage;

/// <summary>Every message of this assembly, with its level: a fault is an error, an odd thing a warning, a finished operation information.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "After its caller had left, this failed: {What}")]
    public static partial void LeftOperationFailed(this ILogger logger, string what, Exception error);

    [LoggerMessage(Level = LogLevel.Information, Message = "After its caller had left, this finished: {What}")]
    public static partial void LeftOperationFinished(this ILogger logger, string what);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "Pool {Pool} ({PoolId}, {Backend} at {Path}) is loaded: {Volumes} volumes, {Snapshots} snapshots, {Unreadable} unreadable records")]
    public static partial void PoolLoaded(
        this ILogger logger, PoolName pool, PoolId poolId, string backend, string path, int volumes, int snapshots, int unreadable);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Pool {Pool}: {Warning}")]
    public static partial void PoolWarning(this ILogger logger, PoolName pool, string warning);

    [LoggerMessage(Level = LogLevel.Error, Message = "Pool {Pool} is not available: {Reason}")]
    public static partial void PoolUnavailable(this ILogger logger, PoolName pool, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Pool {Pool}: the record {Path} can't be read and is kept as it is: {Reason}")]
    public static partial void RecordUnreadable(this ILogger logger, PoolName pool, string path, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume} is made, size {Size}, from {Source}")]
    public static partial void VolumeCreated(this ILogger logger, VolumeId volume, ByteSize? size, VolumeSource? source);

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume} is deleted")]
    public static partial void VolumeDeleted(this ILogger logger, VolumeId volume);

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume} is resized to {Size}")]
    public static partial void VolumeResized(this ILogger logger, VolumeId volume, ByteSize size);

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume} has the attributes {Attributes} now")]
    public static partial void VolumeModified(this ILogger logger, VolumeId volume, VolumeAttributes attributes);

    [LoggerMessage(Level = LogLevel.Information, Message = "Snapshot {Snapshot} of {Volume} is cut, writers stood still for {Pause}")]
    public static partial void SnapshotCreated(this ILogger logger, SnapshotId snapshot, VolumeId volume, TimeSpan? pause);

    [LoggerMessage(Level = LogLevel.Information, Message = "Snapshot {Snapshot} is deleted")]
    public static partial void SnapshotDeleted(this ILogger logger, SnapshotId snapshot);

    [LoggerMessage(Level = LogLevel.Information, Message = "Snapshot group {Group} of {Volumes} volumes is cut, its writers stood still for {Pause}")]
    public static partial void GroupCreated(this ILogger logger, SnapshotGroupId group, int volumes, TimeSpan? pause);

    [LoggerMessage(Level = LogLevel.Information, Message = "Snapshot group {Group} is deleted, with {Snapshots} snapshots")]
    public static partial void GroupDeleted(this ILogger logger, SnapshotGroupId group, int snapshots);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Snapshot group {Group} is incomplete: {Left} of its {Snapshots} snapshots are there ({Members}). A crash leaves that while a group is made or deleted, and so does a pool that was brought back from a copy. They are kept, and can be restored from by these ids; 'lamina snapshot group rm {Group}' deletes them")]
    public static partial void GroupIncomplete(this ILogger logger, SnapshotGroupId group, int left, int snapshots, string members);

    [LoggerMessage(Level = LogLevel.Information, Message = "Snapshot group {Group} was incomplete: its {Snapshots} snapshots that were left are discarded")]
    public static partial void GroupDiscarded(this ILogger logger, SnapshotGroupId group, int snapshots);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Snapshot group {Group} is incomplete, and what is left of it can't be discarded yet: {Reason}")]
    public static partial void GroupNotDiscarded(this ILogger logger, SnapshotGroupId group, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Snapshot group {Group} has failed, and its snapshot {Snapshot} could not be taken back yet: {Reason}")]
    public static partial void GroupNotTakenBack(this ILogger logger, SnapshotGroupId group, SnapshotId snapshot, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A cut of {Volume} could not be cleared away: {Reason}")]
    public static partial void CutNotCleared(this ILogger logger, VolumeId volume, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The inline volume {Volume} is deleted: its pod's directory {PodDirectory} is gone")]
    public static partial void OrphanCollected(this ILogger logger, VolumeId volume, string podDirectory);

    [LoggerMessage(Level = LogLevel.Information, Message = "The inline volume {Volume}, whose pod is gone, can't be deleted yet: {Reason}")]
    public static partial void OrphanKept(this ILogger logger, VolumeId volume, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume} is attached at {MountPoint}")]
    public static partial void VolumeAttached(this ILogger logger, VolumeId volume, string mountPoint);

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume} is detached")]
    public static partial void VolumeDetached(this ILogger logger, VolumeId volume);

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume} is published at {Target}, read-only: {ReadOnly}")]
    public static partial void VolumePublished(this ILogger logger, VolumeId volume, string target, bool readOnly);

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume} is unpublished from {Target}")]
    public static partial void VolumeUnpublished(this ILogger logger, VolumeId volume, string target);

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume}: group {Group} has access to all files now; {Changed} were changed, {Protected} are protected and stay")]
    public static partial void GivenToGroup(this ILogger logger, VolumeId volume, uint group, long changed, long @protected);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Volume {Volume} is a directory of the host: its files are not given to group {Group}")]
    public static partial void NotGivenToGroup(this ILogger logger, VolumeId volume, uint group);

    [LoggerMessage(Level = LogLevel.Information, Message = "The holder {Holder} of {Volume} is from before a reboot, or its mount is gone: dropped")]
    public static partial void HolderDropped(this ILogger logger, string holder, VolumeId volume);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The holder {Holder} of {Volume} is kept: {Reason}")]
    public static partial void HolderKept(this ILogger logger, string holder, VolumeId volume, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Volume {Volume}: its mount and its holders could not be brought together")]
    public static partial void ReconcileFailed(this ILogger logger, VolumeId volume, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "The holder {Path} can't be read and is kept as it is, so its volume stays attached: {Reason}")]
    public static partial void HolderUnreadable(this ILogger logger, string path, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The mount {MountPoint} has no holder but can't be unmounted: {Reason}")]
    public static partial void StrayMountKept(this ILogger logger, string mountPoint, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume} is restored to snapshot {Snapshot}; the state before is snapshot {Before}")]
    public static partial void VolumeRestored(this ILogger logger, VolumeId volume, SnapshotId snapshot, SnapshotId before);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Volume {Volume} is not restored to snapshot {Snapshot}: {Reason}")]
    public static partial void NotRestored(this ILogger logger, VolumeId volume, SnapshotId snapshot, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Volume {Volume} could not be restored to snapshot {Snapshot}; its state before is kept as snapshot {Before}: {Reason}")]
    public static partial void RestoreInDoubt(this ILogger logger, VolumeId volume, SnapshotId snapshot, SnapshotId before, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Holder} of volume {Volume} is dropped: its container is gone, and the engine never said so")]
    public static partial void EngineLost(this ILogger logger, string holder, VolumeId volume);

    [LoggerMessage(Level = LogLevel.Warning, Message = "What engines hold of volume {Volume} can't be looked after now, and is in a moment: {Reason}")]
    public static partial void EnginesNotTidied(this ILogger logger, VolumeId volume, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Volume {Volume} has holders but could not be mounted again: {Reason}")]
    public static partial void RemountFailed(this ILogger logger, VolumeId volume, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Pool {Pool}: {Path} in the trash could not be removed and stays: {Reason}")]
    public static partial void TrashKept(this ILogger logger, PoolName pool, string path, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Pool {Pool}: {Removed} objects are gone from the trash, {Left} are left, in {Duration}")]
    public static partial void TrashEmptied(this ILogger logger, PoolName pool, int removed, int left, TimeSpan duration);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Pool {Pool}: {Problem}")]
    public static partial void NotInOrder(this ILogger logger, PoolName pool, string problem);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Volume {Volume}: a snapshot names the layer that is written to, as after a crash; detach the volume soon, so that the snapshot does not change any more")]
    public static partial void SharedHeadMounted(this ILogger logger, ObjectKey volume);

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume}: {Layers} layers are merged into one, in {Duration}")]
    public static partial void LayersMerged(this ILogger logger, ObjectKey volume, int layers, TimeSpan duration);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Volume {Volume}: its layers could not be merged, which is tried again at the next detach: {Reason}")]
    public static partial void MergeFailed(this ILogger logger, ObjectKey volume, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Layer {Layer} could not be measured: {Reason}")]
    public static partial void LayerNotMeasured(this ILogger logger, string layer, string reason);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "Volume {Volume}: {Entries} files and directories are copied while in use, {Last} of them in the stop, after {Passes} passes, in {Duration}")]
    public static partial void UpperCopied(this ILogger logger, VolumeId volume, int entries, int last, int passes, TimeSpan duration);

    [LoggerMessage(Level = LogLevel.Information, Message = "{What}: its image of {Bytes} is being copied, as the pool's filesystem shares no blocks between files")]
    public static partial void ImageCopyBegins(this ILogger logger, string what, ByteSize bytes);

    [LoggerMessage(Level = LogLevel.Information, Message = "{What}: {Done} of {Total} are copied")]
    public static partial void ImageCopyGoesOn(this ILogger logger, string what, ByteSize done, ByteSize total);

    [LoggerMessage(Level = LogLevel.Information, Message = "{What}: its image of {Bytes} is copied, in {Duration}")]
    public static partial void ImageCopied(this ILogger logger, string what, ByteSize bytes, TimeSpan duration);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A cut of {Volumes} is void, as somebody wrote while the writers stood still: {What}")]
    public static partial void WrittenDuringCut(this ILogger logger, string volumes, string what);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Volume {Volume}: a copy that was given up could not be removed yet: {Reason}")]
    public static partial void CopyNotCleared(this ILogger logger, VolumeId volume, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Pool {Pool}: the key of {Dataset} stays loaded, though nobody uses it: {Reason}")]
    public static partial void KeyKept(this ILogger logger, PoolName pool, string dataset, string reason);
}
