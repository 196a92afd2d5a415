namespace Lamina.Linux;

/// <summary>A subvolume within another.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Path">Relative to the outer subvolume's root, without a leading slash; "…" in it stands for what is too long to be told.</param>
public readonly record struct NestedSubvolume(ulong Id, string Path);
