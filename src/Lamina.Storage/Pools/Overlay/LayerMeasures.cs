using System.Text.Json;
using System.Text.Json.Serialization;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>
/// What sealed layers take, remembered in a file beside each layer's tree, so that a start need not walk it again. Not flushed: what a power cut
/// takes, or leaves in halves, is measured again.
/// </summary>
internal sealed class LayerMeasures(LayerStore layers)
{
    private const string FileName = "measure.json";
    private const string Unfinished = "measure.json.new";

    /// <summary>What was remembered of a layer; null when nothing was, or it can't be read.</summary>
    internal LayerMeasure? TryRead(LayerId layer)
    {
        try
        {
            using var directory = layers.Open(layer);
            return TryRead(directory);
        }
        catch (LinuxException)
        {
            return null;
        }
    }

    /// <summary>The same of a layer wherever it lies.</summary>
    internal static LayerMeasure? TryRead(SafeFileHandle directory)
    {
        try
        {
            return Files.TryReadAllAt(directory, FileName) is { } json ? JsonSerializer.Deserialize(json, LayerMeasureJson.Default.LayerMeasure) : null;
        }
        catch (Exception e) when (e is JsonException or LinuxException)
        {
            return null;
        }
    }

    /// <summary>Remembers what a sealed layer takes.</summary>
    internal void Write(LayerId layer, LayerMeasure measure)
    {
        using var directory = layers.Open(layer);
        using (var file = Files.OpenAt(directory, Unfinished, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate | OpenFlags.NoFollow, 0x180))
            Files.WriteAll(file, 0, JsonSerializer.SerializeToUtf8Bytes(measure, LayerMeasureJson.Default.LayerMeasure));
        Files.Rename(directory, Unfinished, directory, FileName);
    }

    /// <summary>Forgets what was remembered of a layer that is written to.</summary>
    internal void Remove(LayerId layer)
    {
        using var directory = layers.Open(layer);
        Files.TryUnlink(directory, FileName);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(LayerMeasure))]
internal sealed partial class LayerMeasureJson : JsonSerializerContext;
