using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Lamina.Metrics;

/// <summary>Writes the text format of Prometheus into a buffer.</summary>
internal sealed class ExpositionWriter(IBufferWriter<byte> output)
{
    private const int MaxNumber = 32;

    /// <summary>The labels of a series, as they stand in the text: <c>{pool="a"}</c>.</summary>
    internal static byte[] LabelsOf(ReadOnlySpan<string> names, params ReadOnlySpan<string> values)
    {
        var text = new StringBuilder("{");
        for (var i = 0; i < names.Length; i++)
            text.Append(i == 0 ? "" : ",").Append(names[i]).Append("=\"").Append(Escape(values[i])).Append('"');
        return Encoding.UTF8.GetBytes(text.Append('}').ToString());
    }

    /// <summary>What stands before a family's series.</summary>
    internal void Begin(Family family) => Write(Encoding.UTF8.GetBytes($"# HELP {family.Name} {family.Help}\n# TYPE {family.Name} {family.Type}\n"));

    /// <summary>One series; what is not known is left out.</summary>
    internal void Series(ReadOnlySpan<byte> name, ReadOnlySpan<byte> labels, double? value)
    {
        if (value is not { } known)
            return;
        var span = output.GetSpan(name.Length + labels.Length + MaxNumber);
        name.CopyTo(span);
        labels.CopyTo(span[name.Length..]);
        var length = name.Length + labels.Length;
        span[length++] = (byte)' ';
        // Bytes and counts, as a rule, which are faster written whole.
        var isWhole = known == Math.Floor(known) && Math.Abs(known) < 1L << 53;
        var written = 0;
        _ = isWhole ? Utf8Formatter.TryFormat((long)known, span[length..], out written) : known.TryFormat(span[length..], out written, provider: System.Globalization.CultureInfo.InvariantCulture);
        length += written;
        span[length++] = (byte)'\n';
        output.Advance(length);
    }

    private static string Escape(string value) => value.AsSpan().IndexOfAny('\\', '"', '\n') < 0
        ? value
        : value.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal);

    private void Write(ReadOnlySpan<byte> text) => output.Write(text);
}
