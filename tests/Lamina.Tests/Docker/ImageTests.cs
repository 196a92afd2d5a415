using System.Text.Json.Nodes;
using Lamina.Linux;
using Lamina.Cli.Doctor;
using Lamina.Testing;

namespace Lamina.Tests.Docker;

/// <summary>
/// The image of <c>make image</c>, as it is shipped: built by a real Docker, on a Debian that stands for the one of the registry. It runs without any shell.
/// </summary>
[Collection(typeof(EngineCollection))]
public sealed class ImageTests(DockerEngine docker) : IAsyncLifetime
{
    private const string Image = "lamina-image";
    private const string Base = "lamina-base";

    // No shell is needed at run time, so there is none.
    private static readonly string[] s_withoutShells = ["-v", "/dev/null:/bin/dash:ro", "-v", "/dev/null:/bin/bash:ro"];

    // What makes a privileged container; --privileged itself wants all capabilities that the kernel has.
    private static readonly string[] s_privileged =
    [
        "--network", "none", "--read-only", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--security-opt", "systempaths=unconfined",
        "--device-cgroup-rule", "a *:* rwm", "-v", "/dev:/dev", .. s_withoutShells, .. Capabilities.All.Select(capability => $"--cap-add={capability}"),
    ];

    private readonly string _host = TestScratch.NewDirectory("node");

    public async ValueTask InitializeAsync()
    {
        await docker.EnsureAsync();
        Requirements.Command("debootstrap", "debootstrap");
        Directory.CreateDirectory($"{_host}/lib/state");
        // As a host's /var/lib has: where there is nothing at all, a disk may be missing, and no pool is made.
        await File.WriteAllTextAsync($"{_host}/lib/state/other", "");
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

    [Fact]
    public async Task Image_SaysWhatItIs()
    {
        var image = JsonNode.Parse(await docker.OkAsync("image", "inspect", Image))!.AsArray().Single()!["Config"]!;
        var labels = image["Labels"]!.AsObject().ToDictionary(label => label.Key["org.opencontainers.image.".Length..], label => (string)label.Value!);

        Assert.Equal(["base.name", "description", "revision", "title", "version"], labels.Keys.Order());
        Assert.Equal(("Lamina", Base), (labels["title"], labels["base.name"]));
        Assert.Contains(labels["version"], await docker.OkAsync("run", "--rm", "--network", "none", Image, "version"), StringComparison.Ordinal);
        Assert.Matches("^[0-9a-f]{40}$|^unknown$", labels["revision"]);
        Assert.Equal("/usr/local/bin/lamina", (string)image["Entrypoint"]!.AsArray().Single()!);
    }

    // Nobody but this program would notice, if a shell were in the way.
    [Fact]
    public async Task Shells_OfTheImage_AreOutOfReach() =>
        Assert.Contains("exec", await docker.RefusedAsync(["run", "--rm", .. s_privileged, "--entrypoint", "/bin/sh", Image, "-c", "true"]), StringComparison.Ordinal);

    [Theory]
    [InlineData("ext4")]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public async Task Volume_WithAFilesystemOfItsOwn_IsMadeByTheImagesTools(string fileSystem)
    {
        var container = await StartAsync("rshared");
        await docker.OkAsync("exec", container, "lamina", "volume", "create", "db", "--size", "320Mi", "--fs", fileSystem);

        var path = await docker.OkAsync("exec", container, "lamina", "volume", "attach", "db", "--as", "test");

        Assert.Equal(fileSystem, MountQuery.At(HostPathOf(path))?.FileSystemType);
        await docker.OkAsync("exec", container, "lamina", "volume", "detach", "db", "--as", "test");
        await docker.OkAsync("exec", container, "lamina", "snapshot", "create", "db", "before");
        await docker.OkAsync("exec", container, "lamina", "snapshot", "restore", "before", "copy");
        await docker.OkAsync("exec", container, "lamina", "volume", "attach", "copy", "--as", "test");
        await docker.OkAsync("exec", container, "lamina", "volume", "detach", "copy", "--as", "test");
        foreach (var volume in (string[])["db", "copy"])
            await docker.OkAsync("exec", container, "lamina", "volume", "rm", volume);
        await docker.OkAsync("exec", container, "lamina", "snapshot", "rm", "before");
    }

    // As the chart has it where a pool is a zfs one: no commands of ZFS are in the image, and the host's are run where the host is.
    [Fact]
    public async Task ZfsPool_IsServedByTheHostsCommands_AndItsMountsAreTheHosts()
    {
        await using var fileSystem = new ZfsFileSystem();
        await fileSystem.InitializeAsync();
        var dataset = fileSystem.NewDataset();
        // ZFS is told where to mount, so the directory must have one name here and there.
        var run = $"{_host}/run";
        var container = await RunAsync(
            "-v", $"{run}:{run}:rshared", "-e", $"LAMINA_RUNTIMEDIRECTORY={run}", "-e", $"LAMINA_SOCKET={run}/admin.sock", "--tmpfs", "/run/lamina", "-v", "/proc:/host/proc:ro",
            "-e", $"LAMINA_ZFS__MOUNTNAMESPACE=/host/proc/{Environment.ProcessId}/ns/mnt", "-e", "LAMINA_POOLS__tank__backend=zfs", "-e", $"LAMINA_POOLS__tank__dataset={dataset}",
            "-e", "LAMINA_POOLS__tank__default=true");
        Task<string> LaminaAsync(params string[] arguments) => docker.OkAsync(["exec", container, "lamina", .. arguments]);

        await LaminaAsync("pool", "init", "tank");
        await LaminaAsync("volume", "create", "db", "--size", "64Mi");
        var path = await LaminaAsync("volume", "attach", "db", "--as", "test");
        Assert.Equal($"{dataset}/volumes/db", MountTable.Read().FindTop(path)?.Source);
        await File.WriteAllTextAsync($"{path}/file", "then");
        await LaminaAsync("snapshot", "create", "db", "before");
        await File.WriteAllTextAsync($"{path}/file", "now");
        await LaminaAsync("snapshot", "restore", "before", "copy");
        var copy = await LaminaAsync("volume", "attach", "copy", "--as", "test");
        Assert.Equal("then", await docker.OkAsync("exec", container, "cat", $"{copy}/file"));
        Assert.Contains("those of the host", await LaminaAsync("doctor", "-o", "json"), StringComparison.Ordinal);

        foreach (var volume in (string[])["db", "copy"])
        {
            await LaminaAsync("volume", "detach", volume, "--as", "test");
            await LaminaAsync("volume", "rm", volume);
        }
        Assert.DoesNotContain(MountTable.Read().Entries, mount => mount.Source.StartsWith(dataset, StringComparison.Ordinal));
        await LaminaAsync("snapshot", "rm", "before");
        await docker.OkAsync("stop", container);
        await docker.OkAsync("rm", container);
        await ZfsFileSystem.DestroyAsync(dataset);
    }

    // Mounted as the chart has it.
    [Fact]
    public async Task Volume_AttachedInTheImage_IsSeenByTheHost_AndOutlivesTheContainer()
    {
        var first = await StartAsync("rshared");

        await docker.OkAsync("exec", first, "lamina", "volume", "create", "db", "--size", "64Mi", "--fs", "ext4");
        var path = await docker.OkAsync("exec", first, "lamina", "volume", "attach", "db", "--as", "test");
        var here = HostPathOf(path);
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

    private string HostPathOf(string path) => path.Replace("/run/lamina", $"{_host}/run", StringComparison.Ordinal);

    private Task<string> StartAsync(string propagation) => RunAsync("-v", $"{_host}/run:/run/lamina:{propagation}", "-e", "LAMINA_STATEDIRECTORY=/host/state/lamina");

    // Until the daemon answers.
    private async Task<string> RunAsync(params string[] arguments)
    {
        var container = await docker.OkAsync(["run", "-d", .. s_privileged, "--tmpfs", "/tmp", "-v", $"{_host}/lib:/host", .. arguments, Image]);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (await docker.RunAsync("exec", container, "lamina", "volume", "ls") is { ExitCode: not 0 } refused)
        {
            var logs = await docker.RunAsync("logs", container);
            Assert.False(limit.IsCancellationRequested, $"the daemon in the container does not answer: {refused.Error}{logs.Out}{logs.Error}");
            await Task.Delay(100);
        }
        return container;
    }

    private async Task BuildAsync()
    {
        var tar = await MakeAsync(Repository.PathOf("tests/image/base.sh"));
        await docker.OkAsync("import", tar, Base);
        await MakeAsync("make", "--no-print-directory", "-C", Repository.PathOf("."), "image", $"DOCKER_HOST={docker.Socket}", $"IMAGE={Image}", $"BASE={Base}", "DOCKER_BUILD=--network none");
    }

    // What is made from nothing takes as long as it takes, unlike an engine's answer.
    private static async Task<string> MakeAsync(string file, params string[] arguments)
    {
        var result = await ChildProcess.RunAsync(file, arguments, TestContext.Current.CancellationToken);
        return new EngineRun(result.ExitCode, result.Output, result.Error).OutOf($"{file} {string.Join(' ', arguments)}");
    }
}
