using System.Collections.Concurrent;
using Lamina.Linux;
using Lamina.Storage.Operations;

namespace Lamina.Storage.Attachments;

/// <content>
/// Container engines, which mount under ids of their own: several times under one, and not always with an end. What an engine says is held against
/// what containers have mounted, by the mount tables of their namespaces.
/// </content>
public sealed partial class AttachmentService
{
    /// <summary>
    /// The one id that Podman has for all its mounts. It counts them itself, also over its own crashes, so what it holds is never taken for lost.
    /// </summary>
    public const string PodmanId = "2f73349cfc4630255319c6c8dfc1b46a8996ace9d14d8e07563b165915918ec2";

    // A container that begins takes as long as what its image has is copied. After that it has the volume mounted, or never came to be.
    private static readonly TimeSpan s_beginning = TimeSpan.FromMinutes(15);

    private static readonly TimeSpan s_leavingPoll = TimeSpan.FromMilliseconds(50);
    private const int LeavingLooks = 40;

    // From when on no container was seen with it, by the clock that only goes forward.
    private readonly ConcurrentDictionary<(VolumeId, HolderIdentity), long> _unseenFrom = [];

    /// <summary>Mounts a volume once more for an engine's id.</summary>
    /// <returns>Where the volume is mounted.</returns>
    /// <exception cref="StorageException">As of <see cref="AttachAsync"/>.</exception>
    public Task<string> EngineMountAsync(VolumeId volume, Door door, string id, CancellationToken cancellationToken) =>
        _operations.RunAsync($"attach volume {volume}", [LockKey.Volume(volume.Key)], () => EngineMountLockedAsync(volume, EngineOf(door, id)), cancellationToken);

    /// <summary>The volume with a key that an engine's id has mounted, whether its pool is served or not; null: there is none.</summary>
    public VolumeId? FindEngineMount(ObjectKey volume, Door door, string id) =>
        _holders.Volumes.Where(held => held.Key == volume && _holders.Find(held, EngineOf(door, id)) is not null).Cast<VolumeId?>().FirstOrDefault();

    /// <summary>Ends one mount of an engine's id; the last one of the last holder unmounts the volume. More ends than mounts are fine.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: open files still need it.</exception>
    public Task EngineUnmountAsync(VolumeId volume, Door door, string id, CancellationToken cancellationToken) =>
        _operations.RunAsync($"detach volume {volume}", [LockKey.Volume(volume.Key)], () => EngineUnmountLockedAsync(volume, EngineOf(door, id)), cancellationToken);

    /// <summary>
    /// Ends all that engines hold of a volume by a door: what is left over when the engine itself says that no container of its has the volume.
    /// Two engines may share a door, so a container is looked for all the same.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: a container has it mounted, or open files still need it.</exception>
    public Task ReleaseEnginesAsync(VolumeId volume, Door door, CancellationToken cancellationToken) =>
        EnginesOf(volume, door).Count == 0 ? Task.CompletedTask : _operations.RunAsync(
            $"detach volume {volume}", [LockKey.Volume(volume.Key)], () => ReleaseEnginesLockedAsync(volume, door), cancellationToken);

    /// <summary>
    /// Drops what engines have lost: holders that a container was seen with once, and is no more, without the end having been said, as when the
    /// engine or this daemon was killed. What no container was ever seen with may only just begin, and goes when that would have taken too long.
    /// Where nobody can tell what containers have, nothing is dropped.
    /// </summary>
    public async Task TidyEnginesAsync(CancellationToken cancellationToken)
    {
        var held = _holders.Volumes.Where(volume => HoldersOf(volume).Exists(IsWatched)).ToList();
        if (held.Count == 0)
            return;
        foreach (var (volume, mounts) in ContainerMounts.Count(held.ToDictionary(volume => volume, _mounts.PathOf)))
        {
            // Most are as they were.
            if (mounts is null || !HoldersOf(volume).Where(IsWatched).ToList().Exists(holder => mounts > 0 ? !holder.WasSeen : IsLost(holder)))
                continue;
            try
            {
                await _operations.RunAsync($"look after volume {volume}", [LockKey.Volume(volume.Key)], () => TidyEnginesLockedAsync(volume), cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is StorageException or LinuxException)
            {
                _logger.EnginesNotTidied(volume, e.Message);
            }
        }
    }

    private async Task<string> EngineMountLockedAsync(VolumeId volume, HolderIdentity identity)
    {
        var before = _holders.Find(volume, identity);
        _unseenFrom.TryRemove((volume, identity), out _);
        var path = await AttachLockedAsync(volume, identity, "").ConfigureAwait(false);
        if (before is { Kind: HolderKind.Engine })
        {
            // The same id comes again beside a running container, as for docker cp; and after an engine's death, which has never ended the mount before.
            // One use too many leaves a holder behind; one too few takes the volume from a container. So what nobody can tell counts as used.
            var isUsed = ContainerMountsOf(volume) is not 0;
            _holders.Put(before with { FurtherUses = isUsed ? before.FurtherUses + 1 : 0, WasSeen = isUsed && before.WasSeen });
        }
        return path;
    }

    private async Task EngineUnmountLockedAsync(VolumeId volume, HolderIdentity identity)
    {
        _unseenFrom.TryRemove((volume, identity), out _);
        if (_holders.Find(volume, identity) is { FurtherUses: > 0 } holder)
        {
            _holders.Put(holder with { FurtherUses = holder.FurtherUses - 1 });
            return;
        }
        try
        {
            await DetachLockedAsync(volume, identity).ConfigureAwait(false);
        }
        catch (StorageException) when (_holders.Find(volume, identity) is { Kind: HolderKind.Engine } left)
        {
            // The engine has said its last word on it: what can't be unmounted now is tidied up.
            _holders.Put(left with { WasSeen = true });
            throw;
        }
    }

    private async Task ReleaseEnginesLockedAsync(VolumeId volume, Door door)
    {
        // Of a container that was removed just now the processes may still be on their way out.
        for (var left = LeavingLooks; ContainerMountsOf(volume) > 0; left--)
        {
            if (left == 0)
                throw new StorageException(StorageError.FailedPrecondition, $"volume {volume} is in use: a container has it mounted; stop the container first");
            await Task.Delay(s_leavingPoll, _time).ConfigureAwait(false);
        }
        foreach (var holder in EnginesOf(volume, door))
            await DropEngineLockedAsync(holder).ConfigureAwait(false);
    }

    private async Task TidyEnginesLockedAsync(VolumeId volume)
    {
        var watched = HoldersOf(volume).Where(IsWatched).ToList();
        if (ContainerMountsOf(volume) is not { } mounts)
            return;
        // Which mount is whose can't be told. With fewer than there are holders, one of these may be just beginning; and how many are Podman's nobody knows.
        if (mounts >= watched.Count && !HoldersOf(volume).Exists(holder => holder.Kind == HolderKind.Engine && !IsWatched(holder)))
        {
            foreach (var holder in watched.Where(holder => !holder.WasSeen))
                _holders.Put(holder with { WasSeen = true });
        }
        if (mounts > 0)
        {
            watched.ForEach(holder => _unseenFrom.TryRemove((volume, holder.Identity), out _));
            return;
        }
        foreach (var holder in watched.Where(IsLost))
        {
            try
            {
                await DropEngineLockedAsync(holder).ConfigureAwait(false);
                _logger.EngineLost(holder.ToString(), volume);
            }
            catch (StorageException e)
            {
                _logger.HolderKept(holder.ToString(), volume, e.Message);
            }
        }
    }

    private async Task DropEngineLockedAsync(Holder holder)
    {
        if (HoldersOf(holder.Volume).Count == 1)
            await UnmountAsync(holder.Volume).ConfigureAwait(false);
        _holders.Remove(holder);
        _unseenFrom.TryRemove((holder.Volume, holder.Identity), out _);
    }

    private int? ContainerMountsOf(VolumeId volume) => ContainerMounts.Count(volume, _mounts.PathOf(volume));

    private List<Holder> EnginesOf(VolumeId volume, Door door) => [.. HoldersOf(volume).Where(holder => holder.Kind == HolderKind.Engine && holder.Door == door)];

    private static bool IsWatched(Holder holder) => holder.Kind == HolderKind.Engine && holder.Reference != PodmanId;

    // Where no container has the volume. Counted from when that was noticed: the clock may be set at any time.
    private bool IsLost(Holder holder) =>
        holder.WasSeen || _time.GetElapsedTime(_unseenFrom.GetOrAdd((holder.Volume, holder.Identity), _ => _time.GetTimestamp())) > s_beginning;

    private static HolderIdentity EngineOf(Door door, string id) => new(door, HolderKind.Engine, id);
}
