using Lamina.Storage;

namespace Lamina.Admin;

/// <summary>Doors keep to their own, but for a person who insists.</summary>
internal static class Doors
{
    /// <summary>Refuses to change the content of a pod's volume, unless that was asked for. Docker's users have no other way to do it than this door.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>.</exception>
    internal static void CheckContent(Volume volume, bool anyDoor)
    {
        if (volume.Door == Door.Csi && !anyDoor)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"volume '{volume.Name}' was made by Kubernetes (CSI), which would not know that it goes back: a pod may start with it at any moment, and other volumes and databases of its "
                + "application stay where they are. Scale down what uses it and insist with --any-door, or make a new volume: lamina snapshot restore SNAPSHOT NEW-VOLUME");
        }
    }

    /// <summary>Refuses to delete what another door made, unless that was asked for.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>.</exception>
    internal static void CheckOwn(Door door, bool anyDoor, string what)
    {
        var owner = door switch
        {
            Door.Csi => "Kubernetes (CSI)",
            Door.Docker => "Docker or Podman",
            _ => null,
        };
        if (owner is not null && !anyDoor)
        {
            throw new StorageException(StorageError.FailedPrecondition,
                $"{what} was made by {owner}, which would go on believing in it: delete it there, or insist with --any-door");
        }
    }
}
