namespace Lamina.Storage.Pools.Directories;

/// <summary>What a <c>record.json</c> holds: the format version, the object's record, and what the backend adds.</summary>
internal interface IPoolRecord
{
    /// <summary>The format version, <see cref="PoolDirectory.Format"/>.</summary>
    int Format { get; }

    /// <summary>The pool that the record was written for.</summary>
    PoolId Pool { get; }

    /// <summary>The object's key, which is also its directory's name.</summary>
    ObjectKey Key { get; }

    /// <summary>What can't be in a record, though each value of it may; null when all is well.</summary>
    string? Flaw => null;
}
