using Lamina.Linux;

namespace Lamina.Storage.Pools.Directories;

/// <summary>A name that nothing else has: 13 random letters and digits (65 bits).</summary>
internal static class RandomName
{
    private const int Length = 13;

    internal static string New() => Base32.Encode(KernelRandom.GetBytes(9), Length);

    /// <summary>Whether a name could be one.</summary>
    internal static bool IsOne(string name) => name.Length == Length && name.All(Base32.Alphabet.Contains);
}
