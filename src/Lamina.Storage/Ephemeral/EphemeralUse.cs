namespace Lamina.Storage.Ephemeral;

/// <summary>What an inline volume is bound to: it is made when a pod begins, and goes with it.</summary>
/// <param name="Id">The id that the kubelet knows it by.</param>
/// <param name="PodDirectory">The pod's directory under the kubelet's root, <c>…/pods/&lt;uid&gt;</c>: while it is there, so is the pod.</param>
public sealed record EphemeralUse(EphemeralId Id, MountTarget PodDirectory)
{
    private const string Pods = "pods";

    /// <summary>The use that a target of a publication speaks of.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: the target does not lie in the directory of a pod.</exception>
    public static EphemeralUse At(EphemeralId id, MountTarget target)
    {
        var parts = target.ToString().Split('/');
        // The last one: the kubelet's root itself may lie beneath a directory of that name.
        for (var i = parts.Length - 3; i > 0; i--)
        {
            if (parts[i] == Pods && parts[i + 2] == "volumes")
                return new EphemeralUse(id, IStorageValue<MountTarget>.Parse(string.Join('/', parts[..(i + 2)])));
        }
        throw new StorageException(StorageError.InvalidArgument,
            $"the target {target} of an inline volume is not of the form …/pods/<uid>/volumes/…: nobody could tell when its pod is gone");
    }
}
