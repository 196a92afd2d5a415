namespace Lamina.Storage.Attachments;

public sealed partial class AttachmentService
{
    /// <summary>
    /// Makes the device of a raw volume as writable as its users want it, who all want the same; a stage by itself wants nothing. A mount of a
    /// device's node that is read-only does not keep anybody from writing to the device: only the device itself can do that, and it has one answer
    /// for all.
    /// </summary>
    /// <param name="volume">The volume, attached.</param>
    /// <param name="user">Who is to use it, and is among the volume's holders already.</param>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: others use it the other way.</exception>
    private void PrepareDevice(Volume volume, Holder user)
    {
        if (volume.Kind != VolumeKind.Block || user.Kind == HolderKind.Stage)
            return;
        var others = HoldersOf(volume.Id).Where(holder => holder.Kind != HolderKind.Stage && holder.Identity != user.Identity);
        if (others.FirstOrDefault(other => other.ReadOnly != user.ReadOnly) is { } other)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume {volume.Id} is a raw device, which can be written everywhere or nowhere on this host: {other} has it {(other.ReadOnly ? "read-only" : "for writing")}");
        }
        _mounts.SetReadOnly(volume.Id, user.ReadOnly);
    }
}
