namespace Lamina.Metrics;

/// <summary>A metric: what <c>deploy/monitoring/metrics.md</c> says of it too.</summary>
/// <param name="Name">Its name, for good: dashboards and alerts ask by it.</param>
/// <param name="Type"><c>gauge</c>, <c>counter</c> or <c>histogram</c>.</param>
/// <param name="Help">What it tells, in a sentence.</param>
/// <param name="Labels">What its series are told apart by.</param>
internal sealed record Family(string Name, string Type, string Help, params string[] Labels);
