using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Operations;
using Lamina.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Lamina.Tests.Cli;

public sealed class VolumeCommandTests(TestDaemon daemon) : IClassFixture<TestDaemon>
{
    [Fact]
    public async Task Create_NewName_PrintsTheNameAlone()
    {
        var run = await CliRun.RunAsync(daemon, "volume", "create", "plain");

        Assert.Equal((0, "plain\n", ""), (run.ExitCode, run.Out, run.Error));
    }

    [Fact]
    public async Task Create_Again_IsFine()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "twice", "--size", "1Gi");

        Assert.Equal("twice", await CliRun.OkAsync(daemon, "volume", "create", "twice", "--size", "1Gi"));
    }

    [Fact]
    public async Task Create_EightTimesAtOnce_MakesOne()
    {
        var runs = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => CliRun.RunAsync(daemon, "volume", "create", "eight")));

        Assert.All(runs, run => Assert.Equal(0, run.ExitCode));
        Assert.Single((await CliRun.JsonAsync(daemon, "volume", "ls")).AsArray(), volume => (string?)volume!["name"] == "eight");
    }

    [Fact]
    public async Task Create_Json_HasEveryField()
    {
        var volume = await CliRun.JsonAsync(daemon, "volume", "create", "fields", "--size", "10Gi", "--param", "uid=7", "--param", "mode=0700", "--label", "team=blue");

        Assert.Equal(
            ["id", "name", "pool", "kind", "sizeBytes", "usage", "source", "parameters", "labels", "door", "createdAt", "path", "holders", "snapshots", "attributes", "fileSystem", "operations", "io"],
            volume.AsObject().Select(field => field.Key));
        Assert.Equal(10L << 30, (long)volume["sizeBytes"]!);
        Assert.Equal("default", (string?)volume["pool"]);
        Assert.Equal("filesystem", (string?)volume["kind"]);
        Assert.Equal("cli", (string?)volume["door"]);
        Assert.Equal("""{"mode":"0700","uid":"7"}""", volume["parameters"]!.ToJsonString());
        Assert.Equal("""{"team":"blue"}""", volume["labels"]!.ToJsonString());
        Assert.Null(volume["path"]);
        Assert.Null(volume["source"]);
        Assert.Empty(volume["holders"]!.AsArray());
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData("with space")]
    [InlineData("ünï 🦊")]
    [InlineData("UPPER")]
    [InlineData("@file")]
    [InlineData("[brackets]")]
    [InlineData("line\nfeed")]
    public async Task Create_OddName_KeepsItEverywhere(string name)
    {
        await CliRun.OkAsync(daemon, "volume", "create", name);

        Assert.Equal(name, (string?)(await CliRun.JsonAsync(daemon, "volume", "inspect", name))["name"]);
        Assert.Contains(name.Replace("\n", "\\u000a", StringComparison.Ordinal) + " ", await CliRun.OkAsync(daemon, "volume", "ls"), StringComparison.Ordinal);
        Assert.Equal(name, await CliRun.OkAsync(daemon, "volume", "rm", "--", name));
    }

    [Theory]
    [InlineData("the name is empty", "")]
    [InlineData("U+001B", "a\u001b[31m")]
    [InlineData("is not a size", "a", "--size", "ten")]
    [InlineData("is not a size", "a", "--size", "-1")]
    [InlineData("the size is 0; leave it out for a volume without a limit", "a", "--size", "0")]
    [InlineData("'novalue' is not of the form KEY=VALUE", "a", "--param", "novalue")]
    [InlineData("'uid' is given twice", "a", "--param", "uid=1", "--param", "uid=2")]
    [InlineData("'tape' is no kind of volume", "a", "--kind", "tape")]
    [InlineData("the filesystem 'ntfs' is not possible", "a", "--fs", "ntfs")]
    [InlineData("a raw block volume has no filesystem", "a", "--kind", "block", "--fs", "ext4")]
    [InlineData("unknown parameter 'colour'", "a", "--param", "colour=red")]
    [InlineData("allowed is octal permission bits", "a", "--param", "mode=rwx")]
    [InlineData("is not possible in pool 'default': its backend is overlay2", "a", "--param", "compression=zstd")]
    [InlineData("is not a pool name", "a", "--pool", "../x")]
    [InlineData("required argument missing for option: '--from'", "a", "--from")]
    [InlineData("not with both", "a", "--from", "s", "--clone", "v")]
    [InlineData("bind volumes are switched off", "a", "--param", "source=/data")]
    [InlineData("unrecognized command or argument 'b'", "a", "b")]
    public async Task Create_BadInput_IsRefusedByName(string message, params string[] arguments)
    {
        var run = await CliRun.RunAsync(daemon, ["volume", "create", .. arguments]);

        Assert.Equal(2, run.ExitCode);
        Assert.Empty(run.Out);
        Assert.StartsWith("lamina: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', run.Error);
    }

    [Fact]
    public async Task Create_NameTakenByAnother_IsFour()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "taken", "--size", "1Gi");

        var run = await CliRun.RunAsync(daemon, "volume", "create", "taken", "--size", "2Gi");

        Assert.Equal((4, "lamina: a volume 'taken' exists already, with another size: 1Gi, not 2Gi to any\n"), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task Create_PoolAsParameter_IsThePool()
    {
        Assert.Equal("default", (string?)(await CliRun.JsonAsync(daemon, "volume", "create", "pooled", "--param", "pool=default"))["pool"]);
        Assert.Contains("asked for twice", (await CliRun.RunAsync(daemon, "volume", "create", "x", "--pool", "a", "--param", "pool=b")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_FromMissingSource_IsThree()
    {
        Assert.Equal(3, (await CliRun.RunAsync(daemon, "volume", "create", "orphan", "--from", "nothing")).ExitCode);
        Assert.Equal(3, (await CliRun.RunAsync(daemon, "volume", "create", "orphan", "--clone", "nothing")).ExitCode);
    }

    [Fact]
    public async Task Create_SmallerThanSource_IsTwo()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "large", "--size", "2Gi");

        var run = await CliRun.RunAsync(daemon, "volume", "clone", "large", "small", "--size", "1Gi");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("smaller than the 2Gi", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clone_OfVolume_HasItsContent()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "origin", "--size", "1Gi");
        File.WriteAllText(Path.Combine(await CliRun.OkAsync(daemon, "volume", "attach", "origin"), "file"), "content");
        await CliRun.OkAsync(daemon, "volume", "detach", "origin");

        var clone = await CliRun.JsonAsync(daemon, "volume", "clone", "origin", "copy", "--size", "2Gi", "--label", "a=b");

        var path = await CliRun.OkAsync(daemon, "volume", "attach", "copy");
        Assert.Equal("content", File.ReadAllText(Path.Combine(path, "file")));
        Assert.EndsWith(".origin", (string?)clone["source"]!["volume"], StringComparison.Ordinal);
        Assert.Null(clone["source"]!["snapshot"]);
        Assert.Equal(2L << 30, (long)clone["sizeBytes"]!);
    }

    [Fact]
    public async Task List_Table_HasAHeaderAndARowEach()
    {
        await using var own = await TestDaemon.StartAsync();
        await CliRun.OkAsync(own, "volume", "create", "b", "--size", "10Gi");
        await CliRun.OkAsync(own, "volume", "create", "a");
        await CliRun.OkAsync(own, "snapshot", "create", "b");
        await CliRun.OkAsync(own, "volume", "attach", "a");

        var lines = (await CliRun.OkAsync(own, "volume", "ls")).Split('\n');

        Assert.Equal(3, lines.Length);
        Assert.Matches(@"^NAME  POOL     TYPE       +SIZE  +USED  SNAPSHOTS  MADE BY  ATTACHED  AGE$", lines[0]);
        Assert.Matches(@"^a     default  directory  no limit  +\S+ +0  cli      yes        +\d+s$", lines[1]);
        Assert.Matches(@"^b     default  directory      10Gi  +\S+ +1  cli      -          +\d+s$", lines[2]);
    }

    [Fact]
    public async Task Create_RawOrWithAFileSystem_ShowsIt()
    {
        Assert.Equal("block", (string?)(await CliRun.JsonAsync(daemon, "volume", "create", "raw", "--kind", "block", "--size", "64Mi"))["kind"]);
        Assert.Equal("xfs", (string?)(await CliRun.JsonAsync(daemon, "volume", "create", "own", "--fs", "xfs"))["fileSystem"]);
        Assert.Equal("block", (string?)(await CliRun.JsonAsync(daemon, "volume", "clone", "raw", "raw-2"))["kind"]);
        Assert.Equal("xfs", (string?)(await CliRun.JsonAsync(daemon, "volume", "clone", "own", "own-2"))["fileSystem"]);

        var table = await CliRun.OkAsync(daemon, "volume", "ls");
        Assert.Matches(@"(?m)^raw +default +block +64Mi", table);
        Assert.Matches(@"(?m)^own +default +xfs +1Gi", table);
        Assert.Matches(@"filesystem +xfs", await CliRun.OkAsync(daemon, "volume", "inspect", "own"));
    }

    [Fact]
    public async Task Attach_Raw_PrintsADevice()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "device", "--kind", "block", "--size", "64Mi");

        var path = await CliRun.OkAsync(daemon, "volume", "attach", "device");

        Assert.Equal(FileKind.BlockDevice, Files.Stat(path).Kind);
        await CliRun.OkAsync(daemon, "volume", "resize", "device", "96Mi");
        using (var device = Files.Open(path, OpenFlags.ReadOnly))
            Assert.Equal(96 << 20, BlockDevice.GetSize(device));
        await CliRun.OkAsync(daemon, "volume", "detach", "device");
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task Restore_OfARawOne_IsRaw()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "raw-source", "--kind", "block", "--size", "64Mi");
        await CliRun.OkAsync(daemon, "snapshot", "create", "raw-source", "raw-snapshot");
        await CliRun.OkAsync(daemon, "snapshot", "restore", "raw-snapshot", "raw-restored");

        Assert.Equal("block", (string?)(await CliRun.JsonAsync(daemon, "volume", "inspect", "raw-restored"))["kind"]);
    }

    [Fact]
    public async Task Inspect_WhileSomethingGoesOn_TellsOfIt()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "busy");
        var operations = daemon.Services.GetRequiredService<OperationRunner>();
        var going = new TaskCompletionSource();
        Task Hold(string name) => operations.RunAsync($"copy '{name}'", [LockKey.Volume(ObjectKey.FromName(name))], () => going.Task, CancellationToken.None);
        var both = Task.WhenAll(Hold("busy"), Hold("coming"));
        await Eventually.TrueAsync(() => operations.Find(LockKey.Volume(ObjectKey.FromName("coming"))).Count == 1, "it runs");

        Assert.Matches("going on +copy 'busy', since", await CliRun.OkAsync(daemon, "volume", "inspect", "busy"));
        var missing = await CliRun.RunAsync(daemon, "volume", "inspect", "coming");
        Assert.Contains("there is no volume 'coming' yet", missing.Error, StringComparison.Ordinal);
        Assert.Contains("copy 'coming'", missing.Error, StringComparison.Ordinal);

        going.SetResult();
        await both;
    }

    [Fact]
    public async Task List_OfNothing_IsAHeaderOrAnEmptyArray()
    {
        await using var own = await TestDaemon.StartAsync();

        Assert.StartsWith("NAME", Assert.Single((await CliRun.OkAsync(own, "volume", "ls")).Split('\n')), StringComparison.Ordinal);
        Assert.Equal("[]", await CliRun.OkAsync(own, "volume", "ls", "-o", "json"));
    }

    [Fact]
    public async Task List_OfPool_LeavesOthersOut()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "here");

        Assert.Contains("here", await CliRun.OkAsync(daemon, "volume", "ls", "--pool", "default"), StringComparison.Ordinal);
        Assert.Equal(3, (await CliRun.RunAsync(daemon, "volume", "ls", "--pool", "elsewhere")).ExitCode);
    }

    [Fact]
    public async Task List_TwoThousandVolumes_AreAllThere()
    {
        await using var own = await TestDaemon.StartAsync();
        var service = own.Services.GetRequiredService<VolumeService>();
        var catalog = own.Services.GetRequiredService<Catalog>();
        var template = await service.CreateAsync(new VolumeRequest { Name = "v", Door = Door.Cli }, CancellationToken.None);
        foreach (var i in Enumerable.Range(0, 1999))
            catalog.Put(template with { Id = new VolumeId(template.Id.Pool, ObjectKey.FromName($"v{i:d5}")), Name = $"v{i:d5}" });

        Assert.Equal(2000, (await CliRun.JsonAsync(own, "volume", "ls")).AsArray().Count);
    }

    [Fact]
    public async Task Inspect_Attached_SaysByWhomAndWhere()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "seen", "--size", "1Gi", "--label", "a=b", "--param", "gid=5");
        var path = await CliRun.OkAsync(daemon, "volume", "attach", "seen", "--as", "backup job");

        var text = await CliRun.OkAsync(daemon, "volume", "inspect", "seen");

        Assert.Matches(@"(?m)^name +seen$", text);
        Assert.Matches(@"(?m)^size +1Gi$", text);
        Assert.Matches($@"(?m)^mounted at +{path}$", text);
        Assert.Matches(@"(?m)^held by +cli user 'backup job', since \d{4}-", text);
        Assert.Matches(@"(?m)^parameter +gid=5$", text);
        Assert.Matches(@"(?m)^label +a=b$", text);
    }

    [Fact]
    public async Task Inspect_ById_FindsIt()
    {
        var id = (string?)(await CliRun.JsonAsync(daemon, "volume", "create", "by-id"))["id"];

        Assert.Equal("by-id", (string?)(await CliRun.JsonAsync(daemon, "volume", "inspect", id!))["name"]);
    }

    [Fact]
    public async Task Inspect_Unknown_IsThree()
    {
        var run = await CliRun.RunAsync(daemon, "volume", "inspect", "nobody");

        Assert.Equal((3, "", "lamina: there is no volume 'nobody'\n"), (run.ExitCode, run.Out, run.Error));
    }

    [Fact]
    public async Task Inspect_IdOfForeignPool_IsSevenAndSaysHowToForget()
    {
        var run = await CliRun.RunAsync(daemon, "volume", "inspect", "aaaaaaaaaaaaa.data");

        Assert.Equal(7, run.ExitCode);
        Assert.Contains("lamina pool forget aaaaaaaaaaaaa", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attach_ThenDetach_MountsAndUnmounts()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "mounted");

        var path = await CliRun.OkAsync(daemon, "volume", "attach", "mounted");
        Assert.NotNull(MountQuery.At(path));
        Assert.Equal(path, await CliRun.OkAsync(daemon, "volume", "attach", "mounted"));
        Assert.Equal("mounted", await CliRun.OkAsync(daemon, "volume", "detach", "mounted"));

        Assert.Null(MountQuery.At(path));
    }

    [Fact]
    public async Task Detach_OfOneOfTwo_LeavesItMountedAndSaysForWhom()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "shared");
        await CliRun.OkAsync(daemon, "volume", "attach", "shared");
        var path = await CliRun.OkAsync(daemon, "volume", "attach", "shared", "--as", "other");

        var run = await CliRun.RunAsync(daemon, "volume", "detach", "shared");

        Assert.Equal((0, "shared\n", "It stays mounted for cli user 'other'.\n"), (run.ExitCode, run.Out, run.Error));
        Assert.NotNull(MountQuery.At(path));
    }

    [Fact]
    public async Task Attach_Json_HasPathAndVolume()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "json");

        var answer = await CliRun.JsonAsync(daemon, "volume", "attach", "json");

        Assert.Equal((string?)answer["path"], (string?)answer["volume"]!["path"]);
        Assert.Equal("user", (string?)answer["volume"]!["holders"]![0]!["kind"]);
    }

    [Fact]
    public async Task Remove_Several_TriesAllAndEndsWithTheFirstFailure()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "rm-busy");
        await CliRun.OkAsync(daemon, "volume", "create", "rm-free");
        await CliRun.OkAsync(daemon, "volume", "attach", "rm-busy");

        var run = await CliRun.RunAsync(daemon, "volume", "rm", "rm-busy", "rm-missing", "rm-free");

        Assert.Equal((5, "rm-free\n"), (run.ExitCode, run.Out));
        Assert.Matches("is in use by cli user 'cli'; lamina volume detach [a-z2-7]{13}[.][a-z0-9-]+ --as cli\n", run.Error);
        Assert.Contains("lamina: there is no volume 'rm-missing'\n", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Remove_Json_IsWhatWasDeleted()
    {
        var id = (string?)(await CliRun.JsonAsync(daemon, "volume", "create", "rm-json"))["id"];

        var run = await CliRun.RunAsync(daemon, "volume", "rm", "rm-json", "rm-nothing", "-o", "json");

        Assert.Equal(3, run.ExitCode);
        Assert.Equal(id, (string?)Assert.Single(run.Json.AsArray())!["id"]);
    }

    [Fact]
    public async Task Remove_OfAnotherDoorsVolume_NeedsInsisting()
    {
        await daemon.Services.GetRequiredService<VolumeService>().CreateAsync(new VolumeRequest { Name = "pvc-1", Door = Door.Csi }, CancellationToken.None);

        var refused = await CliRun.RunAsync(daemon, "volume", "rm", "pvc-1");
        Assert.Equal(5, refused.ExitCode);
        Assert.Contains("Kubernetes", refused.Error, StringComparison.Ordinal);
        Assert.Contains("--any-door", refused.Error, StringComparison.Ordinal);

        Assert.Equal("pvc-1", await CliRun.OkAsync(daemon, "volume", "rm", "pvc-1", "--any-door"));
    }

    [Fact]
    public async Task Resize_Larger_PrintsTheSize()
    {
        await CliRun.OkAsync(daemon, "volume", "create", "growing", "--size", "1Gi");

        Assert.Equal("3Gi", await CliRun.OkAsync(daemon, "volume", "resize", "growing", "3Gi"));
        Assert.Equal(3L << 30, (long)(await CliRun.JsonAsync(daemon, "volume", "resize", "growing", "3Gi"))["sizeBytes"]!);
    }

    [Theory]
    [InlineData("1Gi", "512Mi", "volumes do not shrink")]
    [InlineData(null, "512Mi", "has no limit already")]
    [InlineData("1Gi", "much", "is not a size")]
    public async Task Resize_ToWhatCanNotBe_IsTwo(string? size, string asked, string message)
    {
        var name = $"stiff-{size}-{asked}".ToLowerInvariant();
        await CliRun.OkAsync(daemon, size is null ? ["volume", "create", name] : ["volume", "create", name, "--size", size]);

        var run = await CliRun.RunAsync(daemon, "volume", "resize", name, asked);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
    }
}
