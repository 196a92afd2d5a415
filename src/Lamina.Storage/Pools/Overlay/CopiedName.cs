namespace Lamina.Storage.Pools.Overlay;

/// <summary>A name in a copied tree.</summary>
/// <param name="Directory">The directory.</param>
/// <param name="Name">The name in it.</param>
internal readonly record struct CopiedName(CopiedEntry Directory, string Name);
