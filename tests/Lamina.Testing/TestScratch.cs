using System.Globalization;
using Lamina.Linux;

namespace Lamina.Testing;

/// <summary>
/// A place on the disk for this test process, under $LAMINA_SCRATCH or /var/tmp. <see cref="HostLeakCheck"/> looks at its end that nothing
/// is mounted there any more, and removes it.
/// </summary>
public static class TestScratch
{
    private static readonly Lazy<string> s_root = new(MakeRoot);
    private static int s_count;

    /// <summary>The root of it, made when it is first asked for.</summary>
    public static string Root => s_root.Value;

    /// <summary>Whether anybody asked for it.</summary>
    public static bool IsUsed => s_root.IsValueCreated;

    /// <summary>A new empty directory that nobody else uses.</summary>
    public static string NewDirectory(string name = "d")
    {
        var path = NewPath(name);
        Directory.CreateDirectory(path);
        return path;
    }

    /// <summary>A path in the scratch root where there is nothing yet.</summary>
    public static string NewPath(string name) =>
        string.Create(CultureInfo.InvariantCulture, $"{Root}/{Interlocked.Increment(ref s_count):d4}-{name}");

    private static string MakeRoot()
    {
        var parent = TestSettings.ScratchParent;
        Files.MakeDirectories(parent, 0x1ed /* 0755 */);
        using var directory = Files.OpenDirectory(parent);
        // A killed process may have left one whose number is ours now.
        for (var suffix = ""; ; suffix = "-" + Path.GetRandomFileName()[..6])
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"lamina-tests-{Environment.ProcessId}{suffix}");
            if (Files.TryMakeDirectory(directory, name, 0x1ed))
                return $"{parent}/{name}";
        }
    }
}
