using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.Json;

namespace Lamina.Hosting;

/// <summary>A range whose refusal names the key, the value and what is allowed.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AllowedRangeAttribute : RangeAttribute
{
    public AllowedRangeAttribute(double minimum, double maximum)
        : base(minimum, maximum)
    {
    }

    /// <param name="type">The property's type.</param>
    /// <param name="minimum">As that type is written in the configuration.</param>
    /// <param name="maximum">As that type is written in the configuration.</param>
    public AllowedRangeAttribute(Type type, string minimum, string maximum)
        : base(type, minimum, maximum)
    {
    }

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext)
    {
        if (IsValid(value))
            return ValidationResult.Success;
        var key = JsonNamingPolicy.CamelCase.ConvertName(validationContext.MemberName!);
        return new ValidationResult($"{key} is {Text(value)}; allowed is {Text(Minimum)} to {Text(Maximum)}", [validationContext.MemberName!]);
    }

    private static string? Text(object? value) => value is TimeSpan span
        ? span.ToString(span.Ticks % TimeSpan.TicksPerSecond == 0 ? "c" : @"hh\:mm\:ss\.fff", CultureInfo.InvariantCulture)
        : Convert.ToString(value, CultureInfo.InvariantCulture);
}
