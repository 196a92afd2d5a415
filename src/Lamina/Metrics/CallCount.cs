namespace Lamina.Metrics;

/// <summary>How often a method was called, with one outcome, since the daemon began.</summary>
/// <param name="Door"><c>cli</c>, <c>csi</c> or <c>docker</c>.</param>
/// <param name="Method">The method's name without that of its service.</param>
/// <param name="Outcome"><c>OK</c>, or the kind of error in the door's own terms.</param>
/// <param name="Count">How often.</param>
/// <param name="Duration">How long all of them took together.</param>
internal sealed record CallCount(string Door, string Method, string Outcome, long Count, TimeSpan Duration);
