using System.Collections.Concurrent;
using Lamina.Linux;
using Lamina.Storage.Attachments;
using Lamina.Storage.Pools;
using Microsoft.Extensions.Logging;

namespace Lamina.Storage.Ephemeral;

/// <summary>
/// Inline volumes of pods: made by the first publication, deleted after the last one. One whose pod went without a word is collected, which
/// only the kubelet's own directories prove: after a reboot nothing is mounted, and the pod comes back to its volume.
/// </summary>
public sealed class EphemeralVolumes(PoolSet pools, Catalog catalog, VolumeService volumes, AttachmentService attachments, ILogger<EphemeralVolumes> logger)
{
    private readonly ConcurrentDictionary<VolumeId, string> _reported = [];

    /// <summary>The volume that goes by an id of the kubelet's, or null.</summary>
    public Volume? Find(EphemeralId id) => catalog.Find(id);

    /// <summary>Makes the volume of a pod, or answers the one that it has.</summary>
    /// <param name="use">Whose it is.</param>
    /// <param name="request">What is asked of it; its name is left to us.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <exception cref="StorageException">
    /// As <see cref="VolumeService.CreateAsync"/>; <see cref="StorageError.InvalidArgument"/> also where the pool takes no inline volumes.
    /// </exception>
    public Task<Volume> CreateAsync(EphemeralUse use, VolumeRequest request, CancellationToken cancellationToken)
    {
        pools.CheckReady();
        // A volume that is there stays there, whatever the pool's configuration says by now.
        if (Find(use.Id) is null)
            CheckPermitted(request.Pool is { } name ? pools.Resolve(name) : pools.ResolveDefault());
        return volumes.CreateAsync(request with { Name = use.Id.VolumeName, Ephemeral = use }, cancellationToken);
    }

    /// <summary>
    /// Unmounts a publication and deletes the volume, unless somebody else still uses it. Either may be done already: the call comes without any
    /// context, and again after a crash.
    /// </summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.FailedPrecondition"/>: it is still in use at the target. <see cref="StorageError.Unavailable"/>: it is unmounted,
    /// but the pools are still being read.
    /// </exception>
    public async Task UnpublishAsync(EphemeralId id, Door door, MountTarget target, CancellationToken cancellationToken)
    {
        // Holders know it by its key, also where its pool is not loaded.
        var volume = Find(id)?.Id ?? attachments.FindPublication(door, target, id.Key);
        if (volume is { } known)
            await attachments.UnpublishAsync(known, door, target, cancellationToken).ConfigureAwait(false);
        pools.CheckReady();
        if (Find(id) is { } left && attachments.HoldersOf(left.Id).IsEmpty)
            await volumes.DeleteAsync(left.Id, volume => volume.Ephemeral is not null && attachments.HoldersOf(volume.Id).IsEmpty, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Deletes the volumes whose pods are gone. What can't be deleted now is tried again the next time.</summary>
    public async Task CollectAsync(CancellationToken cancellationToken)
    {
        foreach (var volume in catalog.EphemeralVolumes().Where(IsOrphan).ToList())
        {
            try
            {
                // Judged again under the volume's lock: the kubelet makes the pod's directory before it publishes.
                if (await volumes.DeleteAsync(volume.Id, IsOrphan, cancellationToken).ConfigureAwait(false))
                {
                    _reported.TryRemove(volume.Id, out _);
                    logger.OrphanCollected(volume.Id, volume.Ephemeral!.PodDirectory.ToString());
                }
            }
            catch (StorageException e)
            {
                // Tried every few seconds: said once per reason.
                if (_reported.GetValueOrDefault(volume.Id) != e.Message)
                    logger.OrphanKept(volume.Id, e.Message);
                _reported[volume.Id] = e.Message;
            }
        }
    }

    private void CheckPermitted(LoadedPool pool)
    {
        if (pool.Pool.Description.Features.HasFlag(PoolFeatures.HostDirectories) || !(pool.Settings.Ephemeral ?? pools.IsDefault(pool)))
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"pool '{pool.Name}' takes no inline volumes, which any pod's author could fill it with; its administrator permits them by \"ephemeral\": true");
        }
    }

    // Nothing is held by it, and its pod's directory is gone from a kubelet's root that is there. Whatever can't be seen proves nothing.
    private bool IsOrphan(Volume volume)
    {
        if (volume.Ephemeral is not { } use || !attachments.HoldersOf(volume.Id).IsEmpty)
            return false;
        try
        {
            using var pods = Files.OpenResolved(null, use.PodDirectory.Parent, OpenFlags.Path | OpenFlags.Directory, ResolveFlags.NoSymlinks | ResolveFlags.NoMagicLinks);
            return Files.TryStatAt(pods, use.PodDirectory.Name) is null;
        }
        catch (LinuxException)
        {
            return false;
        }
    }
}
