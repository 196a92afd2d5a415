using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Lamina.Storage.Ephemeral;

/// <summary>The id that a kubelet gives an inline volume: <c>csi-</c> and, as a rule, a hash. It is none of ours: those have a dot.</summary>
[JsonConverter(typeof(ParsableJsonConverter<EphemeralId>))]
public readonly partial record struct EphemeralId : IStorageValue<EphemeralId>
{
    private readonly string? _value;

    private EphemeralId(string value) => _value = value;

    /// <inheritdoc/>
    public static string Grammar => "an inline volume's id: csi- and 1 to 117 lower-case letters, digits and '-'";

    /// <summary>The name that the volume goes by in the pool: one that no plain name shares its key with.</summary>
    public string VolumeName => $"inline:{this}";

    /// <summary>The key of the volume, known without the volume.</summary>
    internal ObjectKey Key => ObjectKey.FromName(VolumeName);

    /// <inheritdoc/>
    public static bool TryParse(string? text, out EphemeralId value)
    {
        value = text is not null && Pattern().IsMatch(text) ? new EphemeralId(text) : default;
        return value._value is not null;
    }

    /// <summary>The id itself.</summary>
    public override string ToString() => _value ?? throw new InvalidOperationException("an uninitialised id was used");

    [GeneratedRegex(@"\Acsi-[a-z0-9-]{1,117}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
