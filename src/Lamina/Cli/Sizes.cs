using Lamina.Storage;

namespace Lamina.Cli;

/// <summary>Sizes for people.</summary>
internal static class Sizes
{
    /// <summary>Such as <c>10Gi</c>.</summary>
    internal static string Text(long bytes) => new ByteSize(bytes).ToString();
}
