using System.Reflection;

namespace Lamina;

/// <summary>The version of this program.</summary>
internal static class LaminaVersion
{
    /// <summary>Such as <c>0.1.0</c>.</summary>
    internal static string Text { get; } =
        typeof(LaminaVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";
}
