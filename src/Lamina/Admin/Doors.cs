using Lamina.Storage;

namespace Lamina.Admin;

/// <summary>Doors keep to their own, but for a person who insists.</summary>
internal static class Doors
{
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
