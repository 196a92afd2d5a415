using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Lamina.Storage;

/// <summary>A pool's name in the configuration of this host: 1 to 40 lower-case letters, digits and <c>-</c>, beginning with a letter.</summary>
[JsonConverter(typeof(ParsableJsonConverter<PoolName>))]
public readonly partial record struct PoolName : IStorageValue<PoolName>
{
    private readonly string? _value;

    private PoolName(string value) => _value = value;

    /// <summary>The pool that a daemon without configuration serves.</summary>
    public static PoolName Default { get; } = new("default");

    /// <summary>The pool that holds the records of bind volumes.</summary>
    public static PoolName Bind { get; } = new("bind");

    /// <inheritdoc/>
    public static string Grammar => "a pool name: 1 to 40 lower-case letters, digits and '-', beginning with a letter";

    /// <inheritdoc/>
    public static bool TryParse(string? text, out PoolName value)
    {
        value = text is not null && Pattern().IsMatch(text) ? new PoolName(text) : default;
        return value._value is not null;
    }

    /// <summary>The name itself.</summary>
    public override string ToString() => _value ?? throw new InvalidOperationException("an uninitialised pool name was used");

    [GeneratedRegex(@"\A[a-z][a-z0-9-]{0,39}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
