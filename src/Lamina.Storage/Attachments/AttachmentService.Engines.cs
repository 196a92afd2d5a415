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
    // A container that begins takes as long as what its image has is copied. After that it has the volume mounted, or never came to be.
    private static readonly TimeSpan s_beginning = TimeSpan.FromMinutes(15);

    private static readonly TimeSpan s_leavingPoll = TimeSpan.FromMilliseconds(50);
    private const int LeavingLooks = 40;

    // From when on no container was seen with it, by the clock that only goes forward.
    private readonly ConcurrentDictionary<(VolumeId, HolderIdentity), long> _unseenFrom = [];

    // What was said already of those that can't be dropped.
    private readonly ConcurrentDictionary<(VolumeId, HolderIdentity), string> _keptFor = [];

    /// <summary>Mounts a volume once more for an engine's id.</summary>
    /// <returns>Where the volume is mounted.</returns>
    /// <exception cref="StorageException">As of <see cref="AttachAsync"/>.</exception>
    public Task<string> EngineMountAsync(VolumeId volume, EngineMount mount, CancellationToken cancellationToken) =>
        _operations.RunAsync($"attach volume {volume}", [LockKey.Volume(volume.Key)], () => EngineMountLockedAsync(volume, mount), cancellationToken);

    /// <summary>The volume with a key that an engine's id has mounted, whether its pool is served or not; null: there is none.</summary>
    public VolumeId? FindEngineMount(ObjectKey volume, EngineMount mount) =>
        _holders.Volumes.Where(held => held.Key == volume && _holders.Find(held, mount.Identity) is not null).Cast<VolumeId?>().FirstOrDefault();

    /// <summary>Ends one mount of an engine's id; the last one of the last holder unmounts the volume. More ends than mounts are fine.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: open files still need it.</exception>
    public Task EngineUnmountAsync(VolumeId volume, EngineMount mount, CancellationToken cancellationToken) =>
        _operations.RunAsync($"detach volume {volume}", [LockKey.Volume(volume.Key)], () => EngineUnmountLockedAsync(volume, mount.Identity), cancellationToken);

    /// <summary>
    /// Ends all that an engine holds of a volume: what is left over when the engine itself says that no container of its has the volume. Several engines
    /// share a door, so what another one holds stays, and a container is looked for all the same.
    /// </summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.FailedPrecondition"/>: another engine holds it, a container has it mounted or may have, or open files still need it.
    /// </exception>
    public Task ReleaseEngineAsync(VolumeId volume, Door door, ContainerEngine engine, CancellationToken cancellationToken) =>
        EnginesOf(volume, door).Count == 0 ? Task.CompletedTask : _operations.RunAsync(
            $"detach volume {volume}", [LockKey.Volume(volume.Key)], () => ReleaseEngineLockedAsync(volume, door, engine), cancellationToken);

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
        foreach (var (volume, mounts) in ContainerMounts.Count([.. held.Select(Mounted)]))
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

    private async Task<string> EngineMountLockedAsync(VolumeId volume, EngineMount mount)
    {
        var identity = mount.Identity;
        var before = _holders.Find(volume, identity);
        _unseenFrom.TryRemove((volume, identity), out _);
        var path = await AttachLockedAsync(volume, identity, "", null, mount.Engine).ConfigureAwait(false);
        if (before is { Kind: HolderKind.Engine })
        {
            // The same id comes again beside a running container, as for docker cp; and after an engine's death, which has never ended the mount before.
            // One use too many leaves a holder behind; one too few takes the volume from a container. So what nobody can tell counts as used.
            var isUsed = ContainerMountsOf(volume) is not 0;
            _holders.Put(before with { Engine = mount.Engine, FurtherUses = isUsed ? before.FurtherUses + 1 : 0, WasSeen = isUsed && before.WasSeen });
        }
        return path;
    }

    private async Task EngineUnmountLockedAsync(VolumeId volume, HolderIdentity identity)
    {
        _unseenFrom.TryRemove((volume, identity), out _);
        // One that counts itself says so when nothing of its own has the volume any more. Only another one like it, with the same id, may have containers left.
        if (_holders.Find(volume, identity) is { FurtherUses: > 0 } holder && (holder.Engine is not { CountsItself: true } || ContainerMountsOf(volume) is not 0))
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

    private async Task ReleaseEngineLockedAsync(VolumeId volume, Door door, ContainerEngine engine)
    {
        if (EnginesOf(volume, door).Find(holder => holder.Engine is { } of && of != engine) is { } other)
            throw new StorageException(StorageError.FailedPrecondition, $"volume {volume} is in use by {UserOf(other)}{EndHint(volume, [other])}");
        // Of a container that was removed just now the processes may still be on their way out.
        for (var left = LeavingLooks; _mounts.IsMounted(volume) && ContainerMountsOf(volume) is not 0; left--)
        {
            if (left == 0)
            {
                throw new StorageException(StorageError.FailedPrecondition, ContainerMountsOf(volume) is null
                    ? $"volume {volume} may be in use: which mounts containers have can't be told, as the daemon may not look at all processes of the host. End {UserOf(EnginesOf(volume, door)[0])} first"
                    : $"volume {volume} is in use: a container has it mounted; stop the container first");
            }
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
        // Which mount is whose can't be told. With fewer than there are holders one of these may be just beginning; and how many are those of an engine that counts itself nobody knows.
        // And with more, some may be of what nobody has told us of.
        if (mounts == watched.Count && !HoldersOf(volume).Exists(holder => holder.Kind == HolderKind.Engine && !IsWatched(holder)))
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
                // It is tried again every few seconds.
                if (_keptFor.GetValueOrDefault((volume, holder.Identity)) == e.Message)
                    continue;
                _keptFor[(volume, holder.Identity)] = e.Message;
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
        _keptFor.TryRemove((holder.Volume, holder.Identity), out _);
    }

    private int? ContainerMountsOf(VolumeId volume) => ContainerMounts.Count([Mounted(volume)])[volume];

    private MountedVolume Mounted(VolumeId volume) => new(volume, _mounts.PathOf(volume), IsOfHost: _catalog.Find(volume)?.Parameters.Source is not null);

    private List<Holder> EnginesOf(VolumeId volume, Door door) => [.. HoldersOf(volume).Where(holder => holder.Kind == HolderKind.Engine && holder.Door == door)];

    private static bool IsWatched(Holder holder) => holder is { Kind: HolderKind.Engine, Engine.CountsItself: false };

    // Where no container has the volume. Counted from when that was noticed: the clock may be set at any time.
    private bool IsLost(Holder holder) =>
        holder.WasSeen || _time.GetElapsedTime(_unseenFrom.GetOrAdd((holder.Volume, holder.Identity), _ => _time.GetTimestamp())) > s_beginning;
}
