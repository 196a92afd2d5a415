using System.Globalization;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Lamina.Storage;

/// <summary>A number of bytes, never negative. Written and read as people write it: <c>10Gi</c>, <c>500M</c>, <c>4096</c>.</summary>
public readonly partial record struct ByteSize : IComparable<ByteSize>
{
    private static readonly (string Suffix, long Factor)[] BinaryUnits =
        [("Ei", 1L << 60), ("Pi", 1L << 50), ("Ti", 1L << 40), ("Gi", 1L << 30), ("Mi", 1L << 20), ("Ki", 1L << 10)];

    private static readonly (string Suffix, long Factor)[] DecimalUnits =
        [("E", 1_000_000_000_000_000_000), ("P", 1_000_000_000_000_000), ("T", 1_000_000_000_000), ("G", 1_000_000_000), ("M", 1_000_000), ("k", 1_000), ("K", 1_000)];

    /// <param name="bytes">The number of bytes, zero or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    [JsonConstructor]
    public ByteSize(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Bytes = bytes;
    }

    /// <summary>No bytes at all.</summary>
    public static ByteSize Zero => default;

    /// <summary>The number of bytes.</summary>
    public long Bytes { get; }

    /// <summary>That many mebibytes.</summary>
    public static ByteSize FromMebibytes(long count) => new(checked(count << 20));

    /// <summary>That many gibibytes.</summary>
    public static ByteSize FromGibibytes(long count) => new(checked(count << 30));

    /// <summary>Reads a size such as <c>10Gi</c>, <c>1.5T</c> or <c>1048576</c>.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: not a size, or more than 8 EiB.</exception>
    public static ByteSize Parse(string text) =>
        TryParse(text, out var size)
            ? size
            : throw new StorageException(StorageError.InvalidArgument,
                $"'{text}' is not a size: write bytes, or a number with Ki, Mi, Gi, Ti, Pi (1024) or k, M, G, T, P (1000), such as 10Gi");

    /// <summary>As <see cref="Parse"/>, but answers false where that throws.</summary>
    public static bool TryParse(string? text, out ByteSize size)
    {
        size = default;
        var match = Pattern().Match(text ?? "");
        if (!match.Success || !decimal.TryParse(match.Groups[1].Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            return false;
        var unit = match.Groups[2].Value;
        var factor = unit is "" or "B" ? 1 : BinaryUnits.Concat(DecimalUnits).First(u => u.Suffix == unit.TrimEnd('B')).Factor;
        // A decimal has room for any factor times any number that is still a size; the guard keeps the product from overflowing.
        if (number > long.MaxValue / (decimal)factor)
            return false;
        size = new ByteSize((long)(number * factor));
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(ByteSize other) => Bytes.CompareTo(other.Bytes);

    /// <summary>The shortest exact or nearly exact form: <c>10Gi</c>, <c>1.5Mi</c>, <c>512</c>.</summary>
    public override string ToString()
    {
        foreach (var (suffix, factor) in BinaryUnits)
        {
            if (Bytes >= factor)
                return string.Create(CultureInfo.InvariantCulture, $"{(decimal)Bytes / factor:0.##}{suffix}");
        }
        return Bytes.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Whether one size is less than another.</summary>
    public static bool operator <(ByteSize left, ByteSize right) => left.Bytes < right.Bytes;

    /// <summary>Whether one size is more than another.</summary>
    public static bool operator >(ByteSize left, ByteSize right) => left.Bytes > right.Bytes;

    /// <summary>Whether one size is at most another.</summary>
    public static bool operator <=(ByteSize left, ByteSize right) => left.Bytes <= right.Bytes;

    /// <summary>Whether one size is at least another.</summary>
    public static bool operator >=(ByteSize left, ByteSize right) => left.Bytes >= right.Bytes;

    [GeneratedRegex(@"^(\d{1,19}(?:\.\d{1,9})?)(B|(?:[KMGTPE]i|[kKMGTPE])B?)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
