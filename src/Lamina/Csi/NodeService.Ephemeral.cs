using Lamina.Csi.Requests;
using Lamina.Storage;
using Wire = Csi.V1;

namespace Lamina.Csi;

internal sealed partial class NodeService
{
    // Everything that can be refused is refused before a volume is made.
    private async Task PublishEphemeralAsync(Wire.NodePublishVolumeRequest request, VolumeAccess access, CancellationToken cancellationToken)
    {
        var (use, wanted) = EphemeralParser.Parse(request, access);
        var volume = await ephemerals.CreateAsync(use, wanted, cancellationToken);
        var (_, pool) = lookup.GetAny(request.VolumeId);
        try
        {
            await attachments.PublishAsync(volume.Id, PublicationOf(request, access, access.ArgumentsFor(volume, pool)), cancellationToken);
        }
        catch (StorageException e) when (e.Error == StorageError.NotFound)
        {
            throw new StorageException(StorageError.Aborted, $"the inline volume {use.Id} was deleted while it was published; call again", e);
        }
    }
}
