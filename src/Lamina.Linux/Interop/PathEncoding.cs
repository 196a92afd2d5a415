using System.Buffers;
using System.Text;

namespace Lamina.Linux.Interop;

/// <summary>
/// Names between the kernel's bytes and .NET strings, without loss: what is UTF-8 becomes text, any other byte becomes the lone surrogate
/// U+DC80 to U+DCFF that Python's "surrogateescape" uses too, and turns back into the same byte.
/// </summary>
internal static class PathEncoding
{
    private const int EscapeBase = 0xDC00;

    /// <summary>The most bytes that <paramref name="name"/> can take, with the closing NUL.</summary>
    public static int MaxByteCount(string name) => checked(name.Length * 3 + 1);

    /// <summary>Writes the bytes and a closing NUL; returns how many bytes that are, NUL included.</summary>
    /// <exception cref="LinuxException">EINVAL for a NUL within, EILSEQ for a surrogate that stands for no byte.</exception>
    public static int Encode(string name, Span<byte> bytes)
    {
        // The kernel would stop at a NUL and silently act on another file.
        if (name.Contains('\0'))
            throw new LinuxException("encode name", Errno.EINVAL, "a name can't hold NUL");

        var chars = name.AsSpan();
        var written = 0;
        while (!chars.IsEmpty)
        {
            var status = Rune.DecodeFromUtf16(chars, out var rune, out var consumed);
            if (status == OperationStatus.Done)
            {
                written += rune.EncodeToUtf8(bytes[written..]);
            }
            else
            {
                int value = chars[0] - EscapeBase;
                if (value is < 0x80 or > 0xFF)
                    throw new LinuxException("encode name", Errno.EILSEQ, "a lone surrogate that stands for no byte");
                bytes[written++] = (byte)value;
                consumed = 1;
            }
            chars = chars[consumed..];
        }
        bytes[written++] = 0;
        return written;
    }

    /// <summary>The bytes of a name, without a closing NUL.</summary>
    public static byte[] GetBytes(string name)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(MaxByteCount(name));
        try
        {
            var length = Encode(name, buffer);
            return buffer[..(length - 1)];
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The text of a name. <paramref name="bytes"/> has no closing NUL.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes))
            return Encoding.UTF8.GetString(bytes);

        var text = new StringBuilder(bytes.Length);
        Span<char> pair = stackalloc char[2];
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var consumed) == OperationStatus.Done)
            {
                text.Append(pair[..rune.EncodeToUtf16(pair)]);
                bytes = bytes[consumed..];
            }
            else
            {
                // One byte only: what follows may be a sound sequence of its own.
                text.Append((char)(EscapeBase + bytes[0]));
                bytes = bytes[1..];
            }
        }
        return text.ToString();
    }

    /// <summary>The text up to the first NUL.</summary>
    public static string DecodeTerminated(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)0);
        return Decode(end < 0 ? bytes : bytes[..end]);
    }
}
