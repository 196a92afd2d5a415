namespace Lamina.Tests.Crashes;

/// <summary>A volume or snapshot as its client knows it.</summary>
internal abstract class KeptObject(string name, string id)
{
    internal string Name { get; } = name;

    internal string Id { get; } = id;

    /// <summary>Its size in bytes.</summary>
    internal long Size { get; set; }

    /// <summary>Compares what is mounted at a path with what this object must hold.</summary>
    internal required Action<string> Check { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
