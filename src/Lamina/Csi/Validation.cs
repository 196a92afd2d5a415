using Lamina.Csi.Requests;
using Lamina.Storage;
using Lamina.Storage.Pools;
using Wire = Csi.V1;

namespace Lamina.Csi;

/// <summary>Whether a volume is all that a caller believes of it.</summary>
internal static class Validation
{
    // What provisioner and kubelet write into the context of a volume, to which we give none.
    private static readonly string[] ForeignContext = [ClassParameters.KubernetesPrefix, "storage.kubernetes.io/"];

    /// <summary>What does not match; null when everything does.</summary>
    internal static string? Mismatch(
        Wire.ValidateVolumeCapabilitiesRequest request, IReadOnlyList<VolumeAccess> accesses, Volume volume, PoolDescription pool) =>
        accesses.Select(access => access.ObstacleIn(volume, pool)).FirstOrDefault(obstacle => obstacle is not null)
        ?? ParameterMismatch(request.Parameters, volume, pool)
        ?? AttributeMismatch(request.MutableParameters, volume)
        ?? (request.VolumeContext.Keys.FirstOrDefault(key => !ForeignContext.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal))) is { } key
            ? $"volume {volume.Id} has no '{key}' in its context"
            : null);

    /// <summary>The answer when everything matches.</summary>
    internal static Wire.ValidateVolumeCapabilitiesResponse Confirm(Wire.ValidateVolumeCapabilitiesRequest request) => new()
    {
        Confirmed = new()
        {
            VolumeContext = { request.VolumeContext },
            VolumeCapabilities = { request.VolumeCapabilities },
            Parameters = { request.Parameters },
            MutableParameters = { request.MutableParameters },
        },
    };

    private static string? AttributeMismatch(IDictionary<string, string> given, Volume volume)
    {
        try
        {
            var attributes = volume.Attributes ?? VolumeAttributes.None;
            return attributes.With(VolumeAttributes.Parse(given)) == attributes ? null : $"volume {volume.Id} has other mutable parameters: {attributes}";
        }
        catch (StorageException e) when (e.Error == StorageError.InvalidArgument)
        {
            return $"no volume has such mutable parameters: {e.Message}";
        }
    }

    private static string? ParameterMismatch(IDictionary<string, string> given, Volume volume, PoolDescription pool)
    {
        if (given.Count == 0)
            return null;
        try
        {
            var parameters = ClassParameters.Parse(given);
            return parameters.Pool is { } asked && asked != pool.Name ? $"volume {volume.Id} lies in pool '{pool.Name}', not '{asked}'"
                : parameters.Volume != volume.Parameters ? $"volume {volume.Id} was made with other parameters"
                : null;
        }
        catch (StorageException e) when (e.Error == StorageError.InvalidArgument)
        {
            // No volume can have been made with these: a mismatch, and not the caller's fault here.
            return e.Message;
        }
    }
}
