using Lamina.Linux;

namespace Lamina.Storage.Pools.Directories;

/// <summary>A name that nothing else has: 13 random letters and digits (65 bits).</summary>
internal static class RandomName
{
    internal static string New() => Base32.Encode(KernelRandom.GetBytes(9), 13);
}
