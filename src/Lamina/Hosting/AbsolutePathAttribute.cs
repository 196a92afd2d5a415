using System.ComponentModel.DataAnnotations;
using Lamina.Storage;

namespace Lamina.Hosting;

/// <summary>A path that begins at the root and has no <c>..</c> in it; or nothing at all.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AbsolutePathAttribute : ValidationAttribute
{
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is not string { Length: > 0 } path || MountTarget.TryParse(path, out _)
            ? ValidationResult.Success
            : new ValidationResult($"{validationContext.DisplayName} is '{path}'; it must be {MountTarget.Grammar["a usable path: it must be ".Length..]}");
}
