using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Lamina.Storage;

/// <summary>
/// What a name becomes: 1 to 96 lower-case letters, digits, <c>-</c> and <c>_</c>, beginning with a letter or digit, and so safe as a file
/// name, a dataset name and a part of an id. A name that is such a key already stays as it is. Any other name is reduced to what a key may
/// hold and closed with <c>--</c> and 130 bits of its SHA-256, so that two names never share a key. A name that happens to look like a
/// reduced one is reduced as well: no plain name can take the key of another.
/// </summary>
[JsonConverter(typeof(ParsableJsonConverter<ObjectKey>))]
public readonly partial record struct ObjectKey : IStorageValue<ObjectKey>, IComparable<ObjectKey>
{
    /// <summary>The longest key, in bytes.</summary>
    public const int MaxLength = 96;

    private const int HashLength = 26;
    private const int MaxReadable = MaxLength - HashLength - 2;
    private readonly string? _value;

    private ObjectKey(string value) => _value = value;

    /// <inheritdoc/>
    public static string Grammar => "a key: 1 to 96 lower-case letters, digits, '-' and '_', beginning with a letter or digit";

    /// <summary>The key of a name as a person or an orchestrator gives it. The same name has the same key, always and everywhere.</summary>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.InvalidArgument"/>: the name is empty, longer than 128 bytes, or holds control characters that CSI forbids.
    /// </exception>
    public static ObjectKey FromName(string name)
    {
        if (name.Length == 0)
            throw new StorageException(StorageError.InvalidArgument, "the name is empty");
        if (Encoding.UTF8.GetByteCount(name) is > 128 and var bytes)
            throw new StorageException(StorageError.InvalidArgument, $"the name '{name}' is {bytes} bytes long; at most 128 are allowed");
        if (Forbidden().Match(name) is { Success: true } match)
        {
            throw new StorageException(StorageError.InvalidArgument,
                $"the name holds the control character U+{(int)match.Value[0]:X4}, which is not allowed");
        }
        if (Pattern().IsMatch(name) && !Reduced().IsMatch(name))
            return new ObjectKey(name);

        var readable = NotInKey().Replace(name.ToLowerInvariant(), "-").TrimStart('-', '_');
        readable = readable.Length == 0 ? "x" : readable[..Math.Min(readable.Length, MaxReadable)];
        return new ObjectKey($"{readable}--{Base32.Encode(SHA256.HashData(Encoding.UTF8.GetBytes(name)), HashLength)}");
    }

    /// <summary>
    /// The key of a group's member, in the form of a reduced name, but of no name: what is hashed holds a character that names can't have.
    /// </summary>
    internal static ObjectKey OfGroupMember(ObjectKey group, int number)
    {
        var (suffix, of) = (FormattableString.Invariant($"-{number}"), group.ToString());
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"group member\0{of}\0{number}")));
        return new ObjectKey($"{of[..Math.Min(of.Length, MaxReadable - suffix.Length)]}{suffix}--{Base32.Encode(hash, HashLength)}");
    }

    /// <inheritdoc/>
    public static bool TryParse(string? text, out ObjectKey value)
    {
        value = text is not null && Pattern().IsMatch(text) ? new ObjectKey(text) : default;
        return value._value is not null;
    }

    /// <summary>Ordinal order, the order of every list.</summary>
    public int CompareTo(ObjectKey other) => string.CompareOrdinal(_value, other._value);

    /// <summary>The key itself.</summary>
    public override string ToString() => _value ?? throw new InvalidOperationException("an uninitialised key was used");

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9_-]{0,95}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();

    [GeneratedRegex(@"--[a-z2-7]{26}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Reduced();

    [GeneratedRegex("[^a-z0-9_-]", RegexOptions.CultureInvariant)]
    private static partial Regex NotInKey();

    [GeneratedRegex(@"[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]", RegexOptions.CultureInvariant)]
    private static partial Regex Forbidden();
}
