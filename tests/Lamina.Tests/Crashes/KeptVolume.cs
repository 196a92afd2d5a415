using Lamina.Testing.Pools;

namespace Lamina.Tests.Crashes;

/// <summary>A volume as its client knows it.</summary>
internal sealed class KeptVolume(string name, string id) : KeptObject(name, id)
{
    /// <summary>What it holds, where that is a tree of its client's.</summary>
    internal TreeModel Tree { get; init; } = new();

    /// <summary>Where it is staged.</summary>
    internal string? Staging { get; set; }

    /// <summary>Where it is published.</summary>
    internal string? Target { get; set; }

    /// <summary>Whether it has been in use and is not any more.</summary>
    internal bool WasUsed { get; set; }
}
