using System.Collections;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace Lamina.Cli.Output;

/// <summary>
/// Writes the admin API's messages as JSON for programs: every field always there, null where there is no value, numbers as numbers. Protobuf's own
/// JSON leaves out what is zero and writes sizes as text, which every user of <c>jq</c> would have to undo.
/// </summary>
internal static class MessageJson
{
    private static readonly JsonWriterOptions Options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One message as an object.</summary>
    internal static string Write(IMessage message) => Write(json => WriteMessage(json, message));

    /// <summary>Several messages as an array.</summary>
    internal static string Write(IEnumerable<IMessage> messages) => Write(json => WriteList(json, messages));

    private static string Write(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options))
            write(json);
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static void WriteMessage(Utf8JsonWriter json, IMessage message)
    {
        json.WriteStartObject();
        foreach (var field in message.Descriptor.Fields.InFieldNumberOrder())
        {
            json.WritePropertyName(field.JsonName);
            if (field.HasPresence && !field.Accessor.HasValue(message))
                json.WriteNullValue();
            else
                WriteValue(json, field, field.Accessor.GetValue(message));
        }
        json.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter json, FieldDescriptor field, object value)
    {
        if (field.IsMap)
            WriteMap(json, (IDictionary)value);
        else if (field.IsRepeated)
            WriteList(json, (IEnumerable)value);
        else if (field.FieldType == FieldType.Enum)
            json.WriteStringValue(NameOf(field.EnumType, (int)value));
        else
            WriteSingle(json, value);
    }

    private static void WriteMap(Utf8JsonWriter json, IDictionary map)
    {
        json.WriteStartObject();
        foreach (var key in map.Keys.Cast<string>().Order(StringComparer.Ordinal))
        {
            json.WritePropertyName(key);
            WriteSingle(json, map[key]!);
        }
        json.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter json, IEnumerable list)
    {
        json.WriteStartArray();
        foreach (var value in list)
            WriteSingle(json, value);
        json.WriteEndArray();
    }

    private static void WriteSingle(Utf8JsonWriter json, object value)
    {
        switch (value)
        {
            case string text:
                json.WriteStringValue(text);
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case int number:
                json.WriteNumberValue(number);
                break;
            case long number:
                json.WriteNumberValue(number);
                break;
            case double number:
                json.WriteNumberValue(number);
                break;
            case Timestamp time:
                json.WriteStringValue(time.ToDateTime());
                break;
            case IMessage message:
                WriteMessage(json, message);
                break;
            default:
                throw new NotSupportedException($"{value.GetType()} has no form in JSON yet");
        }
    }

    // NODE_KIND_SNAPSHOT of NodeKind is "snapshot".
    private static string NameOf(EnumDescriptor type, int number)
    {
        var prefix = string.Concat(type.Name.Select((c, i) => i > 0 && char.IsUpper(c) ? $"_{c}" : $"{c}")).ToUpperInvariant() + "_";
        var name = type.FindValueByNumber(number)?.Name ?? "";
        return (name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name).ToLowerInvariant();
    }
}
