namespace Lamina.Cli.Commands;

/// <summary>What <c>lamina top</c> has seen at one moment.</summary>
/// <param name="At">When.</param>
/// <param name="Pools">The pools.</param>
/// <param name="Volumes">The volumes.</param>
/// <param name="Calls">The calls so far; null from a daemon that does not count them yet.</param>
internal sealed record TopLook(DateTimeOffset At, IReadOnlyList<V1.Pool> Pools, IReadOnlyList<V1.Volume> Volumes, V1.GetCallsResponse? Calls);
