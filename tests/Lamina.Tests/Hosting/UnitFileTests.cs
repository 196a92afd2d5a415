using System.Runtime.CompilerServices;
using Lamina.Linux;
using Lamina.Testing;

namespace Lamina.Tests.Hosting;

/// <summary>The unit that systemd gets. What it says decides whether the host sees our mounts and who survives a stop.</summary>
public sealed class UnitFileTests
{
    // Each of these gives the service a mount namespace of its own; see systemd.exec(5).
    private static readonly string[] Hiding =
    [
        "Private", "Protect", "ReadOnly", "ReadWrite", "Inaccessible", "NoExecPaths", "ExecPaths", "TemporaryFileSystem", "BindPaths", "BindReadOnlyPaths", "RootDirectory",
        "RootImage", "MountFlags", "MountImages", "ExtensionImages", "ExtensionDirectories", "DynamicUser", "JoinsNamespaceOf", "User", "SystemCall", "Restrict", "CapabilityBoundingSet",
    ];

    private static readonly string Unit = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", "..", "..", "deploy", "systemd", "lamina.service"));

    [Theory]
    [InlineData("Service", "Type", "notify")]
    [InlineData("Service", "ExecStart", "/usr/local/bin/lamina serve")]
    [InlineData("Service", "KillMode", "process")]
    [InlineData("Service", "ExecStopPost", "-/bin/sh -c 'exec /usr/local/bin/lamina watch-pauses /run/lamina </dev/null'")]
    [InlineData("Service", "RuntimeDirectory", "lamina")]
    [InlineData("Service", "RuntimeDirectoryPreserve", "yes")]
    [InlineData("Service", "Restart", "always")]
    [InlineData("Service", "RestartPreventExitStatus", "2")]
    public void Unit_Setting_Is(string section, string key, string value) => Assert.Equal([value], Settings().Where(setting => setting.Section == section && setting.Key == key).Select(setting => setting.Value));

    [Fact]
    public void Unit_StartsBeforeWhoeverUsesVolumes() =>
        Assert.Superset(
            new HashSet<string> { "docker.service", "containerd.service", "crio.service", "kubelet.service", "podman.service", "podman-restart.service" },
            Before().ToHashSet());

    // basic.target, which every service waits for, waits for all sockets: that would be a circle.
    [Fact]
    public void Unit_IsNotBeforeASocket() => Assert.DoesNotContain(Before(), unit => unit.EndsWith(".socket", StringComparison.Ordinal));

    [Fact]
    public void Unit_HasNothingThatHidesMounts() =>
        Assert.DoesNotContain(Settings(), setting => Hiding.Any(word => setting.Key.StartsWith(word, StringComparison.Ordinal)));

    [Fact]
    public async Task Unit_ForSystemd_IsWithoutMistakes()
    {
        Requirements.Command("systemd-analyze", "systemd");
        // It looks for the programs too, which are not installed here.
        var copy = Path.Combine(TestScratch.NewDirectory("unit"), "lamina.service");
        await File.WriteAllTextAsync(
            copy, (await File.ReadAllTextAsync(Unit, TestContext.Current.CancellationToken)).Replace("/usr/local/bin/lamina", "/bin/true", StringComparison.Ordinal), TestContext.Current.CancellationToken);

        var result = await ChildProcess.RunAsync("systemd-analyze", ["verify", "--man=no", "--recursive-errors=no", copy], TestContext.Current.CancellationToken);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
    }

    private static IEnumerable<string> Before() => Settings().Where(setting => setting.Key == "Before").SelectMany(setting => setting.Value.Split(' '));

    private static IEnumerable<(string Section, string Key, string Value)> Settings()
    {
        var section = "";
        foreach (var line in File.ReadLines(Unit).Where(line => line.Length > 0 && line[0] != '#'))
        {
            if (line[0] == '[')
                section = line.Trim('[', ']');
            else
                yield return (section, line.Split('=', 2)[0], line.Split('=', 2)[1]);
        }
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
