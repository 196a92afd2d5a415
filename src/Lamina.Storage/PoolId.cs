using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Lamina.Linux;

namespace Lamina.Storage;

/// <summary>
/// A pool's identity: 13 random letters and digits (65 bits), written in the pool when it is made and never changed, so that ids stay true
/// when a disk moves to another host.
/// </summary>
[JsonConverter(typeof(ParsableJsonConverter<PoolId>))]
public readonly partial record struct PoolId : IStorageValue<PoolId>
{
    private const int Length = 13;
    private readonly string? _value;

    private PoolId(string value) => _value = value;

    /// <inheritdoc/>
    public static string Grammar => "a pool id: 13 letters a-z and digits 2-7";

    /// <summary>A new identity for a new pool.</summary>
    public static PoolId NewRandom() => new(Base32.Encode(KernelRandom.GetBytes(9), Length));

    /// <inheritdoc/>
    public static bool TryParse(string? text, out PoolId value)
    {
        value = text is not null && Pattern().IsMatch(text) ? new PoolId(text) : default;
        return value._value is not null;
    }

    /// <summary>The id itself.</summary>
    public override string ToString() => _value ?? throw new InvalidOperationException("an uninitialised pool id was used");

    [GeneratedRegex(@"\A[a-z2-7]{13}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
