using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Lamina.Storage.Pools.Directories;

namespace Lamina.Storage.Pools.Btrfs;

/// <summary>What all objects have in common that may share blocks: a volume that was made empty, its snapshots, their clones, and so on. 13 random letters and digits.</summary>
[JsonConverter(typeof(ParsableJsonConverter<FamilyId>))]
internal readonly partial record struct FamilyId : IStorageValue<FamilyId>
{
    private readonly string? _value;

    private FamilyId(string value) => _value = value;

    public static string Grammar => "a family id: 13 letters a-z and digits 2-7";

    internal static FamilyId NewRandom() => new(RandomName.New());

    public static bool TryParse(string? text, out FamilyId value)
    {
        value = text is not null && Pattern().IsMatch(text) ? new FamilyId(text) : default;
        return value._value is not null;
    }

    public override string ToString() => _value ?? throw new InvalidOperationException("an uninitialised family id was used");

    [GeneratedRegex(@"\A[a-z2-7]{13}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
