namespace Lamina.Storage.Pools.Overlay;

/// <summary>The original of a copy changed although nobody should have written to it.</summary>
internal sealed class SourceChangedException(string what, Exception? inner = null) : Exception(what, inner);
