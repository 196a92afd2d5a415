using k8s.Models;

namespace Lamina.Chart.Tests.Models;

/// <summary>An object of somebody else's CRD.</summary>
/// <typeparam name="T">What a user writes of it.</typeparam>
internal sealed class CustomObject<T>
{
    public required string ApiVersion { get; set; }

    public required string Kind { get; set; }

    public required V1ObjectMeta Metadata { get; set; }

    public required T Spec { get; set; }
}
