namespace Lamina.Benchmarks;

/// <summary>What a pool lies on.</summary>
public enum Place
{
    /// <summary>An overlay2 pool on ext4.</summary>
    OverlayOnExt4,

    /// <summary>An overlay2 pool on XFS.</summary>
    OverlayOnXfs,

    /// <summary>An overlay2 pool on Btrfs.</summary>
    OverlayOnBtrfs,

    /// <summary>A btrfs pool.</summary>
    Btrfs,
}
