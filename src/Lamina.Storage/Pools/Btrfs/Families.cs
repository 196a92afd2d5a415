namespace Lamina.Storage.Pools.Btrfs;

/// <summary>
/// How many subvolumes of each family there are, those in the trash included until the kernel has dropped their last block. A volume that is
/// alone in its family shares its blocks with nobody, so all that it is charged for is its own.
/// </summary>
internal sealed class Families
{
    private readonly Dictionary<FamilyId, int> _counts = [];
    private readonly Lock _gate = new();

    /// <summary>One more subvolume; counted before it exists, so that nobody seems alone meanwhile.</summary>
    internal void Add(FamilyId family)
    {
        lock (_gate)
            _counts[family] = _counts.GetValueOrDefault(family) + 1;
    }

    /// <summary>One less: the kernel has dropped it.</summary>
    internal void Remove(FamilyId family)
    {
        lock (_gate)
        {
            var count = _counts.GetValueOrDefault(family) - 1;
            if (count > 0)
                _counts[family] = count;
            else
                _counts.Remove(family);
        }
    }

    /// <summary>Whether nobody else shares blocks with the only one of the family.</summary>
    internal bool IsAlone(FamilyId family)
    {
        lock (_gate)
            return _counts.GetValueOrDefault(family) <= 1;
    }
}
