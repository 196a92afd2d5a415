using System.Text.Json.Nodes;

namespace Lamina.Tests.Cluster;

/// <summary>What a watch is told.</summary>
/// <param name="Revision">When.</param>
/// <param name="Type">Such as <c>ADDED</c>.</param>
/// <param name="Collection">Whose.</param>
/// <param name="Object">The object as it was then.</param>
internal sealed record ApiChange(long Revision, string Type, string Collection, JsonObject Object);
