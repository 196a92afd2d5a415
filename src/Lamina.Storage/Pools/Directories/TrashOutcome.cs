namespace Lamina.Storage.Pools.Directories;

/// <summary>What became of an entry of the trash.</summary>
internal enum TrashOutcome
{
    /// <summary>It is gone.</summary>
    Removed,

    /// <summary>Somebody still has it mounted: tried again much later.</summary>
    InUse,

    /// <summary>The kernel is at it: looked at again soon.</summary>
    Pending,
}
