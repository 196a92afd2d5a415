using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lamina.Storage;

/// <summary>Keeps a <see cref="IStorageValue{TSelf}"/> as a JSON string. A string of another form makes the whole record unreadable.</summary>
internal sealed class ParsableJsonConverter<T> : JsonConverter<T>
    where T : struct, IStorageValue<T>
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var text = reader.GetString();
        return T.TryParse(text, out var value) ? value : throw new JsonException($"'{text}' is not {T.Grammar}");
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
