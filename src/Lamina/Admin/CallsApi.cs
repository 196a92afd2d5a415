using Grpc.Core;
using Lamina.Metrics;
using Lamina.Storage.Operations;

namespace Lamina.Admin;

/// <summary>The calls of the admin API.</summary>
internal sealed class CallsApi(OperationMetrics metrics, OperationRunner operations) : V1.Calls.CallsBase
{
    /// <inheritdoc/>
    public override Task<V1.GetCallsResponse> Get(V1.GetCallsRequest request, ServerCallContext context)
    {
        var response = new V1.GetCallsResponse();
        response.Counts.Add(metrics.Counts().Select(count => new V1.CallCount
        {
            Door = count.Door,
            Method = count.Method,
            Outcome = count.Outcome,
            Count = count.Count,
            Seconds = count.Duration.TotalSeconds,
        }));
        response.Operations.Add(operations.List().Select(AdminMessages.Of));
        return Task.FromResult(response);
    }
}
