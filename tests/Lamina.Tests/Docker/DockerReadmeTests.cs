using System.Text.RegularExpressions;
using Lamina.Testing;
using Lamina.Tests.Cli;

namespace Lamina.Tests.Docker;

/// <summary>The lines of README.md, as a person types them, and the main job of all this: a database in a container.</summary>
[Collection(typeof(EngineCollection))]
public sealed partial class DockerReadmeTests(DockerEngine docker, PodmanEngine podman) : IAsyncLifetime
{
    private EngineHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        await docker.EnsureAsync();
        _host = await EngineHost.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await docker.RunAsync("rm", "-f", "-v", "db");
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Readme_WithDocker_WorksLineByLine()
    {
        await docker.ImportAsync("busybox", await EngineImages.BusyboxAsync());
        var (dockers, podmans) = (LinesBelow("line by line:"), LinesBelow("[engine.volume_plugins]"));
        Assert.True(dockers.Count >= 12 && podmans.Count == 2, "README.md has the lines");

        var said = new List<string>();
        foreach (var line in dockers)
            said.Add(await ShellAsync(line));

        Assert.Contains("then", said);
        Assert.Contains(said, text => text.Contains("\"size\": \"10Gi\"", StringComparison.Ordinal));
        Assert.DoesNotContain(_host.Driver, await docker.OkAsync("volume", "ls"), StringComparison.Ordinal);

        await podman.EnsureAsync(_host.Driver, _host.Socket);
        await podman.OkAsync("tag", "bb", "busybox");
        foreach (var line in podmans)
            await podman.OkAsync([.. WithDriver(line).Split(' ').Skip(1)]);
        await podman.OkAsync("volume", "rm", "data_volume");
    }

    [Fact]
    public async Task Database_InAContainer_IsSnapshottedAtWorkAndGoesBackInPlace()
    {
        Requirements.Met(Directory.Exists("/usr/lib/postgresql"), "needs a PostgreSQL server of the package postgresql");
        await docker.ImportAsync("pg", await EngineImages.PostgresAsync());
        await docker.OkAsync("volume", "create", "-d", _host.Driver, "-o", "size=2Gi", "data_volume");
        await RunAsync("initdb --no-sync -U postgres /var/lib/postgresql/data");
        await StartAsync();
        await ExecAsync("pgbench -q -i -s 1 -U postgres postgres");
        await docker.OkAsync("exec", "-d", "-u", "999", "db", "sh", "-c", "pgbench -T 600 -c 2 -U postgres postgres");
        await Eventually.TrueAsync(() => ExecAsync(Query("select count(*) from pgbench_history")).GetAwaiter().GetResult() != "0", "the database is at work");

        await _host.OkAsync("snapshot", "create", "data_volume", "before");
        Assert.Equal(5, (await _host.RunAsync("snapshot", "restore", "--in-place", "before")).ExitCode);
        await ExecAsync(Query("drop table pgbench_accounts"));
        await docker.OkAsync("rm", "-f", "db");
        await _host.OkAsync("snapshot", "restore", "--in-place", "before");

        await StartAsync();
        Assert.Equal("100000", await ExecAsync(Query("select count(*) from pgbench_accounts")));
        Assert.Equal("t", await ExecAsync(Query("select (select sum(abalance) from pgbench_accounts) = (select coalesce(sum(delta), 0) from pgbench_history)")));
        await docker.OkAsync("rm", "-f", "db");
        await docker.OkAsync("volume", "rm", "data_volume");
    }

    private static string Query(string sql) => $"psql -AtX -U postgres -d postgres -c '{sql}'";

    private static string[] Pg(string command) => ["-u", "999", "-v", "data_volume:/var/lib/postgresql/data", "--network", "none", "--shm-size", "256m", "pg", "sh", "-c", command];

    private Task<string> RunAsync(string command) => docker.OkAsync(["run", "--rm", .. Pg(command)]);

    private Task<string> ExecAsync(string command) => docker.OkAsync("exec", "-u", "999", "db", "sh", "-c", command);

    private async Task StartAsync()
    {
        await docker.OkAsync(["run", "-d", "--name", "db", .. Pg("exec postgres -D /var/lib/postgresql/data -k /var/run/postgresql -c listen_addresses=")]);
        await Eventually.TrueAsync(() => docker.RunAsync("exec", "-u", "999", "db", "sh", "-c", Query("select 1")).GetAwaiter().GetResult().ExitCode == 0, "the database answers");
    }

    private Task<string> ShellAsync(string line) => docker.ShellAsync(
        WithDriver(line), ("LAMINA_SOCKET", _host.Daemon.AdminSocket), ("PATH", $"{Path.GetDirectoryName(LaminaProcess.Path)}:{Environment.GetEnvironmentVariable("PATH")}"));

    private string WithDriver(string line) => DriverName().Replace(line, _host.Driver);

    // The indented lines of the block that begins below a text, without those that are configuration.
    private static List<string> LinesBelow(string text) => [.. File.ReadLines(Repository.PathOf("README.md"))
        .SkipWhile(line => !line.EndsWith(text, StringComparison.Ordinal)).Skip(1)
        .SkipWhile(line => !line.StartsWith("    docker ", StringComparison.Ordinal) && !line.StartsWith("    podman ", StringComparison.Ordinal))
        .TakeWhile(line => line.StartsWith("    ", StringComparison.Ordinal)).Select(line => line.Trim())];

    [GeneratedRegex("(?<=(-d |--driver |volume-driver=))lamina")]
    private static partial Regex DriverName();
}
