using System.Text.Json.Serialization;

namespace Lamina.Storage.Attachments;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(Holder))]
internal sealed partial class HolderJson : JsonSerializerContext;
