using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lamina.Linux;
using Lamina.Storage;
using Lamina.Testing;
using Lamina.Tests.Cli;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Docker;

/// <summary>The volume plugin API by itself, as the engines speak it.</summary>
public sealed class VolumeDriverTests : IAsyncLifetime
{
    private readonly string _root = TestScratch.NewDirectory("docker");
    private readonly string _host = TestScratch.NewDirectory("host");
    private TestDaemon _daemon = null!;

    private string Socket => $"{_root}/lamina.sock";

    public async ValueTask InitializeAsync() => _daemon = await TestDaemon.StartAsync("--docker:enabled=true", $"--docker:socket={Socket}", $"--bindRoots:0={_host}");

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    public async Task Activate_ByDocker_SaysThatItIsALocalVolumeDriver()
    {
        Assert.Equal("""["VolumeDriver"]""", (await OkAsync("Plugin.Activate", ""))["Implements"]!.ToJsonString());
        Assert.Equal("local", (string?)(await OkAsync("VolumeDriver.Capabilities"))["Capabilities"]!["Scope"]);
    }

    [Fact]
    public async Task Create_WithEveryKindOfOptions_MakesWhatIsAskedFor()
    {
        await OkAsync("VolumeDriver.Create", """{"Name":"plain","Opts":null}""");
        await OkAsync("VolumeDriver.Create", """{"Name":"sized","Opts":{"size":"10Mi","pool":"default"}}""");
        await OkAsync("VolumeDriver.Create", """{"Name":"own","Opts":{"size":"32Mi","fsType":"ext4"}}""");
        await CliRun.OkAsync(_daemon, "snapshot", "create", "sized", "before");
        await OkAsync("VolumeDriver.Create", """{"Name":"restored","Opts":{"from":"before"}}""");
        await OkAsync("VolumeDriver.Create", """{"Name":"copy","Opts":{"clone":"sized"}}""");
        Directory.CreateDirectory($"{_host}/mysql");
        await OkAsync("VolumeDriver.Create", $$$"""{"Name":"directory","Opts":{"type":"bind","source":"{{{_host}}}/mysql"}}""");

        var list = (await OkAsync("VolumeDriver.List", ""))["Volumes"]!.AsArray();
        Assert.Equal(["copy", "directory", "own", "plain", "restored", "sized"], list.Select(volume => (string)volume!["Name"]!));
        var sized = (await OkAsync("VolumeDriver.Get", """{"Name":"sized"}"""))["Volume"]!;
        Assert.Equal("", (string?)sized["Mountpoint"]);
        Assert.True(DateTimeOffset.TryParse((string)sized["CreatedAt"]!, out _));
        Assert.Equal(("default", "10Mi", """["before"]"""), ((string)sized["Status"]!["pool"]!, (string)sized["Status"]!["size"]!, sized["Status"]!["snapshots"]!.ToJsonString()));
        Assert.Equal($"snapshot {await IdAsync("before", "snapshot")}", (string?)await StatusAsync("restored", "source"));
        Assert.Equal($"volume {await IdAsync("sized", "volume")}", (string?)await StatusAsync("copy", "source"));
        Assert.Equal("32Mi", (string?)await StatusAsync("own", "size"));
        Assert.Equal(("bind", $"{_host}/mysql"), ((string?)await StatusAsync("directory", "pool"), (string?)await StatusAsync("directory", "source")));
    }

    [Theory]
    [InlineData("""{"sized":"10Mi"}""", "unknown option 'sized'; known are size, pool, from, clone, fsType, compression, and type=bind with source")]
    [InlineData("""{"size":"ten"}""", "'ten' is not a size: write bytes, or a number with Ki, Mi, Gi, Ti, Pi (1024) or k, M, G, T, P (1000), such as 10Gi")]
    [InlineData("""{"size":"0"}""", "the option 'size' is '0'; leave it out for a volume without a limit, or say one such as 10Gi")]
    [InlineData("""{"size":""}""", "the option 'size' has no value")]
    [InlineData("""{"pool":"nowhere"}""", "there is no pool 'nowhere'; there are bind, default")]
    [InlineData("""{"from":"nothing"}""", "there is no snapshot 'nothing'")]
    [InlineData("""{"clone":"nothing"}""", "there is no volume 'nothing'")]
    [InlineData("""{"clone":"a","from":"b"}""", "a volume begins as one thing: ask for from=<snapshot> or for clone=<volume>")]
    [InlineData("""{"type":"nfs"}""", "the option 'type' is 'nfs'; allowed is bind, with source=<host directory>. The filesystem of a volume is asked for by fsType")]
    [InlineData("""{"source":"/data"}""", "a bind volume takes both type=bind and source=<host directory>")]
    [InlineData("""{"type":"bind","source":"/data","size":"1Gi"}""", "a bind volume is a directory of the host as it is; the option 'size' is not for it")]
    public async Task Create_WithWrongOptions_SaysWhatIsWrong(string options, string message)
    {
        Assert.Equal(message, await RefusedAsync("VolumeDriver.Create", $$"""{"Name":"v","Opts":{{options}}}"""));
        Assert.Empty((await OkAsync("VolumeDriver.List"))["Volumes"]!.AsArray());
    }

    [Fact]
    public async Task Create_Again_IsFineWithTheSameOptionsAndRefusedWithOthers()
    {
        await OkAsync("VolumeDriver.Create", """{"Name":"v","Opts":{"size":"10Mi"}}""");
        await OkAsync("VolumeDriver.Create", """{"Name":"v","Opts":{"size":"10Mi"}}""");
        await CliRun.OkAsync(_daemon, "volume", "resize", "v", "20Mi");

        await OkAsync("VolumeDriver.Create", """{"Name":"v","Opts":{"size":"10Mi"}}""");
        foreach (var size in (string[])["5Mi", "30Mi"])
            Assert.StartsWith("a volume 'v' exists already, with another size", await RefusedAsync("VolumeDriver.Create", $$$"""{"Name":"v","Opts":{"size":"{{{size}}}"}}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_OfAllSorts_AreTakenOrRefusedAndLeadNowhereElse()
    {
        foreach (var name in (string[])["..", "../../x", "/etc", "ein Topf für Öl", new string('n', 128)])
        {
            await OkAsync("VolumeDriver.Create", JsonSerializer.Serialize(new { Name = name }));
            var path = (string)(await OkAsync("VolumeDriver.Mount", JsonSerializer.Serialize(new { Name = name, ID = "i" })))["Mountpoint"]!;
            Assert.Equal($"{_daemon.RuntimeDirectory}/mounts", Path.GetDirectoryName(Path.GetFullPath(path)));
            await OkAsync("VolumeDriver.Unmount", JsonSerializer.Serialize(new { Name = name, ID = "i" }));
            await OkAsync("VolumeDriver.Remove", JsonSerializer.Serialize(new { Name = name }));
        }
        Assert.Contains("at most 128", await RefusedAsync("VolumeDriver.Create", JsonSerializer.Serialize(new { Name = new string('n', 129) })), StringComparison.Ordinal);
        foreach (var method in (string[])["Create", "Get", "Mount", "Unmount", "Remove", "Path"])
            Assert.Equal("the volume's name is missing", await RefusedAsync($"VolumeDriver.{method}", """{"Name":"","ID":"i"}"""));
    }

    [Fact]
    public async Task Volumes_OfOtherDoors_AreNeitherSeenNorTouched()
    {
        await CliRun.OkAsync(_daemon, "volume", "create", "theirs");
        var id = await IdAsync("theirs", "volume");

        Assert.Empty((await OkAsync("VolumeDriver.List"))["Volumes"]!.AsArray());
        foreach (var (method, name) in ((string, string)[])[("Get", "theirs"), ("Remove", "theirs"), ("Mount", "theirs"), ("Remove", id), ("Mount", id)])
            Assert.Equal($"there is no volume '{name}' of this driver", await RefusedAsync($"VolumeDriver.{method}", $$"""{"Name":"{{name}}","ID":"i"}"""));
        Assert.Equal("a volume 'theirs' exists already; it was made through Cli, not Docker", await RefusedAsync("VolumeDriver.Create", """{"Name":"theirs"}"""));
        Assert.Equal("theirs", (string?)(await CliRun.JsonAsync(_daemon, "volume", "inspect", "theirs"))["name"]);
    }

    [Fact]
    public async Task Create_FromWhatAPodHas_FindsNothing()
    {
        var volumes = _daemon.Services.GetRequiredService<VolumeService>();
        var pods = await volumes.CreateAsync(new VolumeRequest { Name = "pvc-1", Door = Door.Csi }, CancellationToken.None);
        var snapshot = await _daemon.Services.GetRequiredService<SnapshotService>()
            .CreateAsync(new SnapshotRequest { Name = "snapshot-1", Volume = pods.Id, Door = Door.Csi }, CancellationToken.None);
        // By the command line, too, it is the pod's data.
        await CliRun.OkAsync(_daemon, "snapshot", "create", "pvc-1", "nightly");
        var nightly = await IdAsync("nightly", "snapshot");

        Assert.Equal("there is no volume 'pvc-1'", await RefusedAsync("VolumeDriver.Create", """{"Name":"v","Opts":{"clone":"pvc-1"}}"""));
        Assert.Equal($"there is no volume {pods.Id}", await RefusedAsync("VolumeDriver.Create", $$$"""{"Name":"v","Opts":{"clone":"{{{pods.Id}}}"}}"""));
        Assert.Equal("there is no snapshot 'snapshot-1'", await RefusedAsync("VolumeDriver.Create", """{"Name":"v","Opts":{"from":"snapshot-1"}}"""));
        Assert.Equal($"there is no snapshot {snapshot.Id}", await RefusedAsync("VolumeDriver.Create", $$$"""{"Name":"v","Opts":{"from":"{{{snapshot.Id}}}"}}"""));
        Assert.Equal("there is no snapshot 'nightly'", await RefusedAsync("VolumeDriver.Create", """{"Name":"v","Opts":{"from":"nightly"}}"""));
        await volumes.DeleteAsync(pods.Id, CancellationToken.None);
        Assert.Equal($"there is no snapshot {nightly}", await RefusedAsync("VolumeDriver.Create", $$$"""{"Name":"v","Opts":{"from":"{{{nightly}}}"}}"""));

        // What somebody has made of it on purpose.
        await CliRun.OkAsync(_daemon, "snapshot", "restore", "nightly", "handed-on");
        await OkAsync("VolumeDriver.Create", """{"Name":"v","Opts":{"clone":"handed-on"}}""");
        await CliRun.OkAsync(_daemon, "snapshot", "create", "handed-on", "also");
        await OkAsync("VolumeDriver.Create", """{"Name":"w","Opts":{"from":"also"}}""");
    }

    [Fact]
    public async Task Mounts_UnderSeveralIds_HoldTheVolumeUntilTheLastIsGone()
    {
        await OkAsync("VolumeDriver.Create", """{"Name":"v"}""");
        var path = await MountAsync("a");
        Assert.Equal(path, await MountAsync("b"));
        await File.WriteAllTextAsync($"{path}/file", "content");
        Assert.Equal(path, (string?)(await OkAsync("VolumeDriver.Path", """{"Name":"v"}"""))["Mountpoint"]);
        await _daemon.StartAgainAsync();

        await UnmountAsync("a");
        await UnmountAsync("a");
        Assert.Equal("content", await File.ReadAllTextAsync($"{path}/file"));
        await UnmountAsync("b");

        Assert.False(Directory.Exists(path));
        Assert.Equal("", (string?)(await OkAsync("VolumeDriver.Path", """{"Name":"v"}"""))["Mountpoint"]);
        await UnmountAsync("b");
        await OkAsync("VolumeDriver.Remove", """{"Name":"v"}""");
        Assert.Equal("there is no volume 'v' of this driver", await RefusedAsync("VolumeDriver.Remove", """{"Name":"v"}"""));
    }

    // A namespace of its own with the volume at another path, which is what a container is.
    [Fact]
    public async Task Mounts_UnderOneId_AreCountedWhileAContainerHasTheVolumeAndBeginAnewAfterOneWasLost()
    {
        await OkAsync("VolumeDriver.Create", """{"Name":"v"}""");
        var path = await MountAsync("a");
        using (await ContainerNamespace.StartAsync(_root, path))
        {
            await MountAsync("a");
            await UnmountAsync("a");
            Assert.NotNull(MountTable.Read().FindTop(path));
            await MountAsync("a");
        }

        // Two are open; but the engine begins anew, as after its death.
        await MountAsync("a");
        await UnmountAsync("a");
        Assert.Null(MountTable.Read().FindTop(path));
    }

    [Fact]
    public async Task Remove_OfWhatTheEngineLeft_GoesButNotUnderAContainerOrAnotherDoor()
    {
        await OkAsync("VolumeDriver.Create", """{"Name":"v"}""");
        var path = await MountAsync("a");
        await CliRun.OkAsync(_daemon, "volume", "attach", "v", "--as", "me");
        Assert.Contains("is in use by cli user 'me'", await RefusedAsync("VolumeDriver.Remove", """{"Name":"v"}"""), StringComparison.Ordinal);
        await CliRun.OkAsync(_daemon, "volume", "detach", "v", "--as", "me");
        path = await MountAsync("a");
        using (await ContainerNamespace.StartAsync(_root, path))
            Assert.Contains("a container has it mounted", await RefusedAsync("VolumeDriver.Remove", """{"Name":"v"}"""), StringComparison.Ordinal);
        Assert.NotNull(MountTable.Read().FindTop(path));

        await OkAsync("VolumeDriver.Remove", """{"Name":"v"}""");

        Assert.False(Directory.Exists(path));
        Assert.Empty((await OkAsync("VolumeDriver.List"))["Volumes"]!.AsArray());
    }

    [Fact]
    public async Task MountPoint_OfAVolumeThatSomebodyUnmounted_CanNotBeWrittenTo()
    {
        await OkAsync("VolumeDriver.Create", """{"Name":"v"}""");
        var path = await MountAsync("a");
        Assert.True(Mounts.TryUnmount(path));

        Assert.Throws<UnauthorizedAccessException>(() => File.WriteAllText($"{path}/file", "lost"));
        Assert.Equal(path, await MountAsync("b"));
        await File.WriteAllTextAsync($"{path}/file", "kept");
    }

    [Fact]
    public async Task List_WithAVolumeOnAServerThatDoesNotAnswer_AsksNobodyThere()
    {
        await OkAsync("VolumeDriver.Create", """{"Name":"v"}""");
        var path = await MountAsync("a");
        using (new HangingFileSystem(path))
        {
            var listed = (await OkAsync("VolumeDriver.List").WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken))["Volumes"]![0]!;

            Assert.Equal(("v", path), ((string)listed["Name"]!, (string)listed["Mountpoint"]!));
        }
        await UnmountAsync("a");
    }

    // Docker repeats a call whose connection broke with nothing left to send, and takes any answer to Get but a volume for the word that there is none.
    [Fact]
    public async Task Calls_ThatWereCutOff_AreNotTakenForCallsOfNoVolume()
    {
        foreach (var method in (string[])["Create", "Mount", "Unmount", "Remove", "Path"])
        {
            var (status, body) = await DriverClient.SendAsync(Socket, $"POST /VolumeDriver.{method} HTTP/1.1\r\nHost: \r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            Assert.Equal(HttpStatusCode.InternalServerError, status);
            Assert.Contains("do it once more", body, StringComparison.Ordinal);
        }
        Assert.Equal("", await DriverClient.AnswerAsync(Socket, "POST /VolumeDriver.Get HTTP/1.1\r\nHost: \r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
    }

    [Theory]
    [InlineData("""{"size":"1Gi"}""", "a volume 'theirs' exists already; it was made through Cli, not Docker", "theirs")]
    [InlineData("""{"pool":"bind"}""", "the option 'pool' is 'bind', which are host directories: ask for one by type=bind with source=<host directory>, and leave the pool out", "v")]
    [InlineData("""{"size":"30Mi"}""", "a volume 'sized' exists already, with another size: 10Mi, not 30Mi", "sized")]
    public async Task Create_OfWhatCanNotBe_SaysTheFirstReason(string options, string message, string name)
    {
        await CliRun.OkAsync(_daemon, "volume", "create", "theirs");
        await OkAsync("VolumeDriver.Create", """{"Name":"sized","Opts":{"size":"10Mi"}}""");

        Assert.Equal(message, await RefusedAsync("VolumeDriver.Create", $$"""{"Name":"{{name}}","Opts":{{options}}}"""));
    }

    [Fact]
    public async Task Requests_OfAnotherShape_AreRefusedWithTheReason()
    {
        foreach (var body in (string[])["{", "[]", "7", """{"Name":7}""", """{"Name":"v","Opts":{"size":1}}"""])
            Assert.StartsWith("the request is not what the volume plugin API says: ", await RefusedAsync("VolumeDriver.Create", body), StringComparison.Ordinal);
        Assert.Equal("the request has more than 65536 bytes", await RefusedAsync("VolumeDriver.Create", JsonSerializer.Serialize(new { Name = new string('n', 70_000) })));
        Assert.Equal("the mount's ID is missing, or longer than 256 characters", await RefusedAsync("VolumeDriver.Mount", """{"Name":"v","ID":""}"""));
        Assert.Equal(HttpStatusCode.NotFound, (await DriverClient.SendAsync(Socket, "POST /VolumeDriver.Destroy HTTP/1.1\r\nHost: \r\nContent-Length: 0\r\nConnection: close\r\n\r\n")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await DriverClient.SendAsync(Socket, "GET /VolumeDriver.List HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await DriverClient.SendAsync(Socket, "GET /metrics HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n")).Status);
    }

    [Fact]
    public async Task Door_ThatIsNotOpened_HasNoSocket()
    {
        await using var daemon = await TestDaemon.StartAsync($"--docker:socket={_root}/closed.sock");
        Assert.False(File.Exists($"{_root}/closed.sock"));
    }

    private async Task<JsonNode?> StatusAsync(string volume, string key) => (await OkAsync("VolumeDriver.Get", $$"""{"Name":"{{volume}}"}"""))["Volume"]!["Status"]![key];

    private async Task<string> IdAsync(string name, string kind) =>
        (string)(await CliRun.JsonAsync(_daemon, kind, "ls")).AsArray().Single(one => (string?)one!["name"] == name)!["id"]!;

    private async Task<string> MountAsync(string id) => (string)(await OkAsync("VolumeDriver.Mount", $$"""{"Name":"v","ID":"{{id}}"}"""))["Mountpoint"]!;

    private Task UnmountAsync(string id) => OkAsync("VolumeDriver.Unmount", $$"""{"Name":"v","ID":"{{id}}"}""");

    private Task<JsonNode> OkAsync(string method, string body = "{}") => DriverClient.OkAsync(Socket, method, body);

    private Task<string> RefusedAsync(string method, string body) => DriverClient.RefusedAsync(Socket, method, body);
}
