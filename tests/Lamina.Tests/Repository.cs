namespace Lamina.Tests;

/// <summary>The checkout that the tests were built from: what is shipped beside the program lies there.</summary>
internal static class Repository
{
    /// <summary>The path of a file in it.</summary>
    internal static string PathOf(string relative)
    {
        for (var directory = AppContext.BaseDirectory; directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (File.Exists(Path.Combine(directory, "Csi.sln")))
                return Path.Combine(directory, relative);
        }
        throw new InvalidOperationException($"no Csi.sln above {AppContext.BaseDirectory}");
    }
}
