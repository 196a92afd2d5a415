namespace Lamina.Storage;

/// <summary>The lower-case alphabet of RFC 4648 without padding: what ids and keys are closed with. Encodes only; nothing is ever decoded.</summary>
internal static class Base32
{
    internal const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";

    /// <summary>The first <paramref name="length"/> digits of the bytes, five bits each, most significant first.</summary>
    internal static string Encode(ReadOnlySpan<byte> bytes, int length)
    {
        Span<char> digits = stackalloc char[length];
        for (var i = 0; i < length; i++)
        {
            int bit = i * 5, index = bit / 8;
            var pair = (bytes[index] << 8) | (index + 1 < bytes.Length ? bytes[index + 1] : 0);
            digits[i] = Alphabet[(pair >> (11 - (bit % 8))) & 31];
        }
        return new string(digits);
    }
}
