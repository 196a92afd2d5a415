namespace Lamina.Storage.Pools.Cuts;

/// <summary>What is cut changed although nobody should have written to it.</summary>
public sealed class SourceChangedException(string what, Exception? inner = null) : Exception(what, inner);
