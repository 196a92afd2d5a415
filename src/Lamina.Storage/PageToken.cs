namespace Lamina.Storage;

/// <summary>A list is continued after the last id that was answered: pages stay complete while objects come and go.</summary>
internal static class PageToken
{
    /// <exception cref="StorageException"><see cref="StorageError.Aborted"/>: not a token of ours, as the CSI specification wants it.</exception>
    internal static TId? Parse<TId>(string? token)
        where TId : struct, IStorageValue<TId>
    {
        if (string.IsNullOrEmpty(token))
            return null;
        return TId.TryParse(token, out var id)
            ? id
            : throw new StorageException(StorageError.Aborted, $"the starting token '{token}' was not given out by this list; start again without one");
    }
}
