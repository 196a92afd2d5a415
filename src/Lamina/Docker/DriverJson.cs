using System.Text.Json.Serialization;

namespace Lamina.Docker;

// The API's names are those of the properties; only the keys of a status are ours, and written as our options are.
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DriverRequest))]
[JsonSerializable(typeof(DriverResponse))]
internal sealed partial class DriverJson : JsonSerializerContext;
