using System.Collections;
using System.ComponentModel;

namespace Lamina.Hosting;

/// <summary>
/// Compares a configuration with the options that it is for: unknown keys, values of a wrong type, values where there should be keys and keys
/// where there should be a value. The binder would stop at some of these and pass over the others in silence.
/// </summary>
internal sealed class ConfigurationShape
{
    private readonly List<string> _errors;
    private readonly Dictionary<string, string?> _usable = [];

    private ConfigurationShape(List<string> errors) => _errors = errors;

    /// <summary>Binds what can be bound, and names all that can't be.</summary>
    /// <param name="configuration">The whole configuration.</param>
    /// <param name="others">Keys at the top that are read elsewhere.</param>
    /// <param name="errors">Gets a line for each thing that is wrong.</param>
    internal static LaminaOptions Bind(IConfiguration configuration, IReadOnlyList<string> others, List<string> errors)
    {
        var shape = new ConfigurationShape(errors);
        shape.Object(configuration, "", typeof(LaminaOptions), others);
        var options = new LaminaOptions();
        new ConfigurationBuilder().AddInMemoryCollection(shape._usable).Build().Bind(options);
        return options;
    }

    private void Object(IConfiguration section, string prefix, Type type, IReadOnlyList<string> others)
    {
        var properties = type.GetProperties();
        foreach (var child in section.GetChildren().Where(child => !others.Contains(child.Key, StringComparer.OrdinalIgnoreCase)))
        {
            if (properties.FirstOrDefault(property => property.Name.Equals(child.Key, StringComparison.OrdinalIgnoreCase)) is { } property)
                Value(child, prefix + NameOf(property.Name), property.PropertyType);
            else
                _errors.Add($"unknown key '{prefix}{child.Key}'; known are {string.Join(", ", properties.Select(property => NameOf(property.Name)))}");
        }
    }

    private void Value(IConfigurationSection section, string key, Type type)
    {
        // .NET's own, with keys of its own; what it can't use it leaves.
        if (type == typeof(Dictionary<string, object>))
            return;
        if (Nullable.GetUnderlyingType(type) is { } inner)
            Scalar(section, key, inner);
        else if (type == typeof(string) || type.IsValueType)
            Scalar(section, key, type);
        else if (!string.IsNullOrEmpty(section.Value))
            _errors.Add(typeof(IList).IsAssignableFrom(type) ? $"{key} is '{section.Value}', but it is a list: [\"{section.Value}\"], or {key}:0={section.Value}" : $"{key} is '{section.Value}', but it has keys beneath it and no value");
        else if (typeof(IDictionary).IsAssignableFrom(type))
            Each(section, key, type.GetGenericArguments()[1]);
        else if (typeof(IList).IsAssignableFrom(type))
            Each(section, key, type.GetGenericArguments()[0]);
        else
            Object(section, key + ":", type, []);
    }

    private void Each(IConfigurationSection section, string key, Type type)
    {
        foreach (var child in section.GetChildren())
            Value(child, $"{key}:{child.Key}", type);
    }

    private void Scalar(IConfigurationSection section, string key, Type type)
    {
        if (section.GetChildren().Any())
            _errors.Add($"{key} is one value; there can be nothing beneath it, such as {key}:{section.GetChildren().First().Key}");
        else if (section.Value is null)
            _errors.Add($"{key} is null; leave it out to have its default");
        else if (!CanBe(type, section.Value))
            _errors.Add($"{key} is '{section.Value}'; it must be {Describe(type)}");
        else
            _usable[section.Path] = section.Value;
    }

    private static bool CanBe(Type type, string value)
    {
        try
        {
            return type == typeof(string) || TypeDescriptor.GetConverter(type).ConvertFromInvariantString(value) is not null;
        }
        // The converters wrap what they find in whatever they like.
        catch (Exception e) when (e is FormatException or ArgumentException or OverflowException or NotSupportedException || e.InnerException is FormatException or OverflowException)
        {
            return false;
        }
    }

    private static string Describe(Type type) => type == typeof(bool) ? "true or false"
        : type == typeof(TimeSpan) ? "a time as hours:minutes:seconds, such as 00:00:02.5"
        : type == typeof(double) ? "a number"
        : "a whole number";

    private static string NameOf(string property) => char.ToLowerInvariant(property[0]) + property[1..];
}
