using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Lamina.Storage.Pools;

/// <summary>A pool that is served: its backend, its settings, and what could not be read of it.</summary>
public sealed record LoadedPool(IPool Pool, PoolSettings Settings, ImmutableList<UnreadableRecord> Unreadable)
{
    /// <summary>Its identity.</summary>
    public PoolId Id => Pool.Description.Id;

    /// <summary>Its name.</summary>
    public PoolName Name => Settings.Name;

    /// <summary>The room in the pool, or why it can't be told: whoever looks at all pools goes on with the others.</summary>
    public bool TryGetCapacity(out PoolCapacity capacity, [NotNullWhen(false)] out string? problem)
    {
        try
        {
            (capacity, problem) = (Pool.GetCapacity(), null);
            return true;
        }
        catch (StorageException e)
        {
            (capacity, problem) = (default, e.Message);
            return false;
        }
    }

    /// <summary>Refuses to say anything of an object whose record is there but can't be read.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.DataLoss"/>.</exception>
    public void CheckReadable(ObjectKey key, bool isSnapshot)
    {
        if (Unreadable.FirstOrDefault(record => record.Key == key && record.IsSnapshot == isSnapshot) is { } record)
        {
            throw new StorageException(StorageError.DataLoss,
                $"'{record.Path}' in pool '{Name}' can't be read ({record.Reason}); it is kept as it is. Mend or move it by hand, then restart the daemon");
        }
    }
}
