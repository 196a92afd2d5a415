using System.Globalization;

namespace Lamina.Linux;

/// <summary>The number of a quota group. See btrfs-qgroup(8).</summary>
/// <param name="Level">0: the group of one subvolume; higher: a group of groups.</param>
/// <param name="Id">At level 0 the subvolume's number; else any, below 2^48.</param>
public readonly record struct QgroupId(ushort Level, ulong Id)
{
    private const int LevelShift = 48;

    /// <summary>The kernel's form: level in the upper 16 bits.</summary>
    public ulong Value => ((ulong)Level << LevelShift) | Id;

    /// <summary>From the kernel's form.</summary>
    public static QgroupId From(ulong value) => new((ushort)(value >> LevelShift), value & ((1UL << LevelShift) - 1));

    /// <summary>As the tools write it: <c>1/256</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Level}/{Id}");
}
