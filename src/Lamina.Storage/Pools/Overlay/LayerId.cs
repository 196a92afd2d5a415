using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>A layer's name under <c>layers/</c>: 13 random letters and digits.</summary>
[JsonConverter(typeof(ParsableJsonConverter<LayerId>))]
internal readonly partial record struct LayerId : IStorageValue<LayerId>
{
    private readonly string? _value;

    private LayerId(string value) => _value = value;

    public static string Grammar => "a layer id: 13 letters a-z and digits 2-7";

    internal static LayerId NewRandom() => new(RandomName.New());

    public static bool TryParse(string? text, out LayerId value)
    {
        value = text is not null && Pattern().IsMatch(text) ? new LayerId(text) : default;
        return value._value is not null;
    }

    public override string ToString() => _value ?? throw new InvalidOperationException("an uninitialised layer id was used");

    [GeneratedRegex(@"\A[a-z2-7]{13}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
