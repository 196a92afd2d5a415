using System.Globalization;

namespace Lamina.Testing;

/// <summary>
/// What whoever runs the tests may ask for: LAMINA_SOAK=1, LAMINA_SEED, LAMINA_SCRATCH, LAMINA_CLUSTER_TEST=1. Taken out of the environment, as a daemon takes every
/// variable of that beginning for its configuration and refuses those that it does not know.
/// </summary>
public static class TestSettings
{
    /// <summary>Whether random tests run long.</summary>
    public static bool IsSoak { get; } = Take("LAMINA_SOAK") == "1";

    /// <summary>The seed of random tests that draw one, to repeat a run; null: a new one each time.</summary>
    public static int? Seed { get; } = int.TryParse(Take("LAMINA_SEED"), CultureInfo.InvariantCulture, out var seed) ? seed : null;

    /// <summary>The kubeconfig of a real cluster that tests may use; null: none. Only where it was asked for: a person's own cluster is not for tests.</summary>
    public static string? Kubeconfig { get; } = Take("LAMINA_CLUSTER_TEST") == "1" && Environment.GetEnvironmentVariable("KUBECONFIG") is { Length: > 0 } file ? Path.GetFullPath(file) : null;

    /// <summary>Where the scratch root is made.</summary>
    public static string ScratchParent { get; } = Take("LAMINA_SCRATCH") is { Length: > 0 } given ? Path.GetFullPath(given) : "/var/tmp";

    /// <summary>Takes all of it, before anything reads the environment.</summary>
    public static void TakeAll()
    {
        // The first use of the class has done so.
        // A .NET program that is killed leaves its diagnostic sockets in the temporary directory: those that tests start have none.
        Environment.SetEnvironmentVariable("DOTNET_EnableDiagnostics", "0");
    }

    private static string? Take(string name)
    {
        var value = Environment.GetEnvironmentVariable(name);
        Environment.SetEnvironmentVariable(name, null);
        return value;
    }
}
