using System.Text.Json.Nodes;
using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Csi;

namespace Lamina.Tests.Docker;

/// <summary>What the options of a create come to in a container of a real Docker.</summary>
[Collection(typeof(EngineCollection))]
public sealed class DockerOptionTests(DockerEngine docker) : IAsyncLifetime
{
    private readonly string _directory = TestScratch.NewDirectory("host");
    private LoopDisk _disk = null!;
    private EngineHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        await docker.EnsureAsync();
        _disk = await LoopDisk.CreateAsync(FileSystemKind.Btrfs);
        _host = await EngineHost.StartAsync(["--pools:default:default=true", $"--bindRoots:0={_directory}", .. CsiPools.Btrfs("trees", _disk)]);
    }

    public async ValueTask DisposeAsync()
    {
        await docker.RunAsync("volume", "rm", "data", "copy", "old", "own", "squeezed", "directory");
        await _host.DisposeAsync();
        await _disk.DisposeAsync();
    }

    [Fact]
    public async Task Copies_OfAVolumeAndOfASnapshot_HaveTheirContent()
    {
        await CreateAsync("data");
        await RunAsync("data", "echo then > /d/file");
        await _host.OkAsync("snapshot", "create", "data", "then");
        await RunAsync("data", "echo now > /d/file");
        await CreateAsync("old", "from=then");
        await CreateAsync("copy", "clone=data");

        Assert.Equal(("then", "now"), (await RunAsync("old", "cat /d/file"), await RunAsync("copy", "cat /d/file")));
        await RunAsync("copy", "echo other > /d/file");
        Assert.Equal("now", await RunAsync("data", "cat /d/file"));
        Assert.StartsWith("volume ", (string?)(await StatusAsync("copy"))["source"], StringComparison.Ordinal);
        await Eventually.TrueAsync(() => StatusAsync("copy").GetAwaiter().GetResult()["used"] is not null, "what it uses is known");
        Assert.Equal("""["then"]""", (await StatusAsync("data"))["snapshots"]!.ToJsonString());
    }

    [Fact]
    public async Task Volume_WithAFileSystemOfItsOwn_IsThatAndAsLargeAsWasAskedFor()
    {
        await CreateAsync("own", "fsType=ext4", "size=64Mi");

        Assert.Equal("ext4", await RunAsync("own", "awk '$2 == \"/d\" { print $3 }' /proc/mounts"));
        Assert.Contains("No space left", await RunAsync("own", "dd if=/dev/zero of=/d/file bs=1M count=100 2>&1 || true"), StringComparison.Ordinal);
        Assert.InRange(long.Parse(await RunAsync("own", "df -kP /d | awk 'END { print $2 }'"), System.Globalization.CultureInfo.InvariantCulture), 32 * 1024, 64 * 1024);
    }

    [Fact]
    public async Task Volume_OfABtrfsPool_IsCompressedAndSnapshottedUnderItsContainer()
    {
        await CreateAsync("squeezed", "pool=trees", "compression=zstd");
        await RunAsync("squeezed", "dd if=/dev/zero of=/d/zeros bs=1M count=32 2>&1; sync; echo then > /d/file");
        await _host.OkAsync("snapshot", "create", "squeezed", "of-trees");
        await RunAsync("squeezed", "echo now > /d/file");

        await _host.OkAsync("snapshot", "restore", "--in-place", "of-trees");

        Assert.Equal("then", await RunAsync("squeezed", "cat /d/file"));
        Assert.Equal("33554432", await RunAsync("squeezed", "stat -c %s /d/zeros"));
        Assert.Equal("trees", (string?)(await StatusAsync("squeezed"))["pool"]);
        await docker.OkAsync("volume", "rm", "squeezed");
    }

    [Fact]
    public async Task Volume_OfAHostDirectory_IsThatDirectoryAndLeavesItWhereItIs()
    {
        await File.WriteAllTextAsync($"{_directory}/file", "of the host");
        await CreateAsync("directory", "type=bind", $"source={_directory}");

        Assert.Equal("of the host", await RunAsync("directory", "cat /d/file; echo of the container > /d/file"));
        Assert.Equal(_directory, (string?)(await StatusAsync("directory"))["source"]);
        await docker.OkAsync("volume", "rm", "directory");
        Assert.Equal("of the container\n", await File.ReadAllTextAsync($"{_directory}/file"));
    }

    private Task<string> CreateAsync(string name, params string[] options) => docker.OkAsync(["volume", "create", "-d", _host.Driver, .. options.SelectMany(option => (string[])["-o", option]), name]);

    private Task<string> RunAsync(string volume, string command) => docker.OkAsync("run", "--rm", "--network", "none", "-v", $"{volume}:/d", "bb", "sh", "-c", command);

    private async Task<JsonNode> StatusAsync(string volume) => JsonNode.Parse(await docker.OkAsync("volume", "inspect", volume))![0]!["Status"]!;
}
