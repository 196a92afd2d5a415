namespace Lamina.Tests.Cluster;

/// <summary>What goes wrong with a request.</summary>
internal abstract record ApiFault
{
    /// <summary>It is refused.</summary>
    internal sealed record Refuse(int Code, int? RetryAfter = null) : ApiFault;

    /// <summary>There never is an answer.</summary>
    internal sealed record Hang : ApiFault;

    /// <summary>The connection is cut in the middle of the answer.</summary>
    internal sealed record Cut : ApiFault;
}
