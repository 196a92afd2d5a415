using System.Diagnostics.CodeAnalysis;

namespace Lamina.Storage;

/// <summary>A value that is written as text and can't be invalid: whoever holds one has parsed it.</summary>
/// <typeparam name="TSelf">The value itself.</typeparam>
public interface IStorageValue<TSelf>
    where TSelf : struct, IStorageValue<TSelf>
{
    /// <summary>What is allowed, in words that finish the sentence "'x' is not …".</summary>
    static abstract string Grammar { get; }

    /// <summary>Reads the text; false when it is not of the value's form.</summary>
    static abstract bool TryParse([NotNullWhen(true)] string? text, out TSelf value);

    /// <summary>Reads the text.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>, naming the text and what is allowed.</exception>
    static TSelf Parse(string? text) =>
        TSelf.TryParse(text, out var value)
            ? value
            : throw new StorageException(StorageError.InvalidArgument, $"'{text}' is not {TSelf.Grammar}");
}
