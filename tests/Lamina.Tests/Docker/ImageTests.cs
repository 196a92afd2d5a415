using System.Text.Json.Nodes;
using Lamina.Linux;
using Lamina.Cli.Doctor;
using Lamina.Testing;

namespace Lamina.Tests.Docker;

/// <summary>The image of deploy/image, built by a real Docker on a Debian that stands for the one of the registry; with the program that the tests were built with.</summary>
[Collection(typeof(EngineCollection))]
public sealed class ImageTests(DockerEngine docker) : IAsyncLifetime
{
    private const string Image = "lamina-image";

    // What makes a privileged container; --privileged itself wants all capabilities that the kernel has.
    private static readonly string[] s_privileged =
    [
        "--network", "none", "--read-only", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--security-opt", "systempaths=unconfined",
        "--device-cgroup-rule", "a *:* rwm", "-v", "/dev:/dev", .. Capabilities.All.Select(capability => $"--cap-add={capability}"),
    ];

    private readonly string _host = TestScratch.NewDirectory("node");

    public async ValueTask InitializeAsync()
    {
        await docker.EnsureAsync();
        Requirements.Command("debootstrap", "debootstrap");
        Directory.CreateDirectory($"{_host}/lib/state");
        // As /run is wherever systemd is the init.
        var run = Directory.CreateDirectory($"{_host}/run").FullName;
        (await EngineRun.RunAsync("sh", "-euc", $"mount --bind {run} {run} && mount --make-shared {run}")).OutOf("mount");
        if ((await docker.OkAsync("images", "-q", Image)).Length == 0)
            await BuildAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var container in (await docker.OkAsync("ps", "-aq")).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            await docker.RunAsync("rm", "-f", container);
        MountCleanup.UnmountBeneath(_host);
    }

    [Fact]
    public async Task Doctor_InTheImage_FindsEveryToolAndNothingMissing()
    {
        var checks = JsonNode.Parse(await docker.OkAsync(["run", "--rm", .. s_privileged, Image, "doctor", "-o", "json"]))!.AsArray();

        Assert.All(FileSystemTool.All, tool => Assert.Equal("ok", (string?)checks.Single(check => (string?)check!["name"] == tool.Name)!["status"]));
        Assert.DoesNotContain(checks, check => (string)check!["status"]! == "problem");
    }

    // Mounted as the chart has it.
    [Fact]
    public async Task Volume_AttachedInTheImage_IsSeenByTheHost_AndOutlivesTheContainer()
    {
        var first = await StartAsync("rshared");

        await docker.OkAsync("exec", first, "lamina", "volume", "create", "db", "--size", "64Mi", "--fs", "ext4");
        var path = await docker.OkAsync("exec", first, "lamina", "volume", "attach", "db", "--as", "test");
        var here = path.Replace("/run/lamina", $"{_host}/run", StringComparison.Ordinal);
        Assert.Equal("ext4", MountQuery.At(here)?.FileSystemType);
        await docker.OkAsync("rm", "-f", first);
        await File.WriteAllTextAsync($"{here}/file", "written while no daemon was there");

        var second = await StartAsync("rshared");
        Assert.Equal(path, await docker.OkAsync("exec", second, "lamina", "volume", "attach", "db", "--as", "test"));
        Assert.Equal("written while no daemon was there", await File.ReadAllTextAsync($"{here}/file"));
        await docker.OkAsync("exec", second, "lamina", "volume", "detach", "db", "--as", "test");
        Assert.Null(MountQuery.At(here));
        await docker.OkAsync("exec", second, "lamina", "volume", "rm", "db");
        await docker.OkAsync("stop", second);
        Assert.Equal("0", await docker.OkAsync("inspect", "--format", "{{.State.ExitCode}}", second));
    }

    [Theory]
    [InlineData("rslave")]
    [InlineData("rprivate")]
    public async Task Volume_WhereTheHostWouldNotSeeIt_IsNotAttached(string propagation)
    {
        var container = await StartAsync(propagation);

        await docker.OkAsync("exec", container, "lamina", "volume", "create", "db");

        Assert.Contains("Bidirectional", await docker.RefusedAsync("exec", container, "lamina", "volume", "attach", "db", "--as", "test"), StringComparison.Ordinal);
    }

    private async Task<string> StartAsync(string propagation)
    {
        var container = await docker.OkAsync(
        [
            "run", "-d", .. s_privileged, "--tmpfs", "/tmp", "-v", $"{_host}/lib:/host", "-v", $"{_host}/run:/run/lamina:{propagation}", "-e", "LAMINA_STATEDIRECTORY=/host/state/lamina", Image,
        ]);
        var ready = await docker.RunAsync("exec", container, "timeout", "20", "sh", "-c", "until lamina volume ls; do sleep 0.1; done");
        Assert.True(ready.ExitCode == 0, $"the daemon in the container does not answer: {ready.Error}{(await docker.RunAsync("logs", container)).Out}");
        return container;
    }

    private async Task BuildAsync()
    {
        var tar = (await EngineRun.RunAsync(Repository.PathOf("tests/image/base.sh"))).OutOf("tests/image/base.sh");
        var context = TestScratch.NewDirectory("context");
        var bin = new DirectoryInfo(AppContext.BaseDirectory);
        // The program as it was built needs a .NET beside it, which the published one has within.
        (await EngineRun.RunAsync("bash", "-euc", """
            dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
            cp -a "$2" "$3/lamina"
            cp "$1" "$3/base.tar"
            tar -rf "$3/base.tar" --transform 's|^|usr/share/dotnet/|' -C "$dotnet" host shared/Microsoft.NETCore.App shared/Microsoft.AspNetCore.App
            """, "bash", tar, Path.Combine(bin.Parent!.Parent!.FullName, "Lamina", bin.Name), context)).OutOf("the image's context");
        await docker.OkAsync("import", $"{context}/base.tar", "lamina-base");
        File.Delete($"{context}/base.tar");
        await docker.OkAsync("build", "--network", "none", "-f", Repository.PathOf("deploy/image/Dockerfile"), "--build-arg", "BASE=lamina-base", "-t", Image, context);
    }
}
