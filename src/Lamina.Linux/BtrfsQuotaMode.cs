namespace Lamina.Linux;

/// <summary>How a Btrfs filesystem counts.</summary>
public enum BtrfsQuotaMode
{
    /// <summary>It doesn't.</summary>
    None,
    /// <summary>Classic: who references which block. Exact and very costly with snapshots.</summary>
    Full,
    /// <summary>Simple (6.7+): who wrote which block. About free.</summary>
    Simple,
}
