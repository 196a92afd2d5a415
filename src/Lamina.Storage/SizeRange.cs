namespace Lamina.Storage;

/// <summary>The sizes that a caller would accept for a volume.</summary>
/// <param name="Required">At least this; null: any.</param>
/// <param name="Limit">At most this; null: any.</param>
public readonly record struct SizeRange(ByteSize? Required, ByteSize? Limit)
{
    /// <summary>Any size will do.</summary>
    public static SizeRange Any => default;

    /// <summary>Exactly this size or more.</summary>
    public static SizeRange AtLeast(ByteSize? required) => new(required, null);

    /// <summary>
    /// The size to make: what is required; else <paramref name="fallback"/>, but not above the limit; else the limit; else none.
    /// </summary>
    public ByteSize? Choose(ByteSize? fallback) =>
        Required ?? (fallback is { } size && Limit is { } limit && size > limit ? limit : fallback ?? Limit);

    /// <summary>Refuses a range that contradicts itself.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>.</exception>
    public void Validate()
    {
        if (Required is { } required && Limit is { } limit && limit < required)
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"the size limit {limit} ({limit.Bytes} bytes) is below the required size {required} ({required.Bytes} bytes)");
        }
    }
}
