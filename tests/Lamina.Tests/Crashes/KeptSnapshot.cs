using Lamina.Testing.Pools;

namespace Lamina.Tests.Crashes;

/// <summary>A snapshot as its client knows it.</summary>
internal sealed class KeptSnapshot(string name, string id) : KeptObject(name, id)
{
    /// <summary>What it holds, where that is a tree of a client's.</summary>
    internal TreeModel Tree { get; init; } = new();
}
