namespace Lamina.Storage.Attachments;

/// <summary>Who holds a volume.</summary>
/// <param name="Door">The door that speaks for it.</param>
/// <param name="Kind">What kind of use it is.</param>
/// <param name="Reference">Which one of that kind.</param>
public readonly record struct HolderIdentity(Door Door, HolderKind Kind, string Reference)
{
    /// <summary>Whether the reference is a path, which can have one volume only.</summary>
    public bool IsPath => Kind is HolderKind.Stage or HolderKind.Publication;

    /// <summary>For messages.</summary>
    public override string ToString() => Kind == HolderKind.Unreadable
        ? $"somebody whose holder file can't be read ({Reference}; remove it and restart the daemon when nobody uses the volume)"
        : $"{Door.ToString().ToLowerInvariant()} {Kind.ToString().ToLowerInvariant()} '{Reference}'";
}
