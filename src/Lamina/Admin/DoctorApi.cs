using Grpc.Core;

namespace Lamina.Admin;

/// <summary>The checks of the admin API.</summary>
internal sealed class DoctorApi(DaemonChecks checks) : V1.Doctor.DoctorBase
{
    /// <inheritdoc/>
    public override Task<V1.CheckResponse> Check(V1.CheckRequest request, ServerCallContext context)
    {
        var response = new V1.CheckResponse { Version = LaminaVersion.Text };
        response.Checks.Add(checks.Run());
        return Task.FromResult(response);
    }
}
