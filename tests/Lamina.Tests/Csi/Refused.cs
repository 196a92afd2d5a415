using Grpc.Core;

namespace Lamina.Tests.Csi;

/// <summary>Asserts that a call is refused as CSI wants it: by that code, with a message, and without details.</summary>
internal static class Refused
{
    /// <returns>The message.</returns>
    internal static async Task<string> AsAsync<T>(StatusCode code, AsyncUnaryCall<T> call)
    {
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.True(failure.StatusCode == code, $"{failure.StatusCode}, not {code}: {failure.Status.Detail}");
        Assert.NotEmpty(failure.Status.Detail);
        Assert.Null(failure.Trailers.Get("grpc-status-details-bin"));
        return failure.Status.Detail;
    }
}
