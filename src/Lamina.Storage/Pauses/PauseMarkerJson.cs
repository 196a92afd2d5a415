using System.Text.Json.Serialization;

namespace Lamina.Storage.Pauses;

/// <summary>Markers as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PauseMarker))]
internal sealed partial class PauseMarkerJson : JsonSerializerContext;
