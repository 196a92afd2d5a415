using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Cli;

namespace Lamina.Tests.Hosting;

/// <summary>Configuration as the real program takes it: files, environment, arguments.</summary>
public sealed class ConfigurationSourceTests
{
    [Fact]
    public async Task Serve_WithVariablesOfAKubernetesService_StartsAllTheSame()
    {
        await using var daemon = new DaemonProcess();
        daemon.Launch(
        [
            new("LAMINA_SERVICE_HOST", "10.0.0.1"), new("LAMINA_SERVICE_PORT", "80"), new("LAMINA_SERVICE_PORT_METRICS", "80"), new("LAMINA_PORT", "tcp://10.0.0.1:80"),
            new("LAMINA_PORT_80_TCP", "tcp://10.0.0.1:80"), new("LAMINA_PORT_80_TCP_PROTO", "tcp"), new("LAMINA_PORT_80_TCP_PORT", "80"), new("LAMINA_PORT_80_TCP_ADDR", "10.0.0.1"),
            new("LAMINA_METRICS_SERVICE_HOST", "10.0.0.1"), new("LAMINA_METRICS_SERVICE_PORT", "80"), new("LAMINA_METRICS_PORT_80_TCP_ADDR", "10.0.0.1"),
            new("LAMINA_csi__maxVolumesPerNode", "7"),
        ]);

        await daemon.ReadyAsync(daemon.CsiSocket);

        using var channel = UnixChannel.To(daemon.CsiSocket);
        Assert.Equal(7, (await new global::Csi.V1.Node.NodeClient(channel).NodeGetInfoAsync(new())).MaxVolumesPerNode);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact]
    public async Task Serve_UnknownVariable_IsRefused()
    {
        await using var daemon = new DaemonProcess();
        daemon.Launch(new KeyValuePair<string, string?>("LAMINA_COLOUR", "red"));

        Assert.Equal(2, await daemon.EndAsync());
        Assert.Contains("unknown key 'COLOUR'", daemon.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_FilesThatAreNoJson_AreAllNamedWithThePlace()
    {
        await using var daemon = new DaemonProcess();
        var dropIns = Path.Combine(daemon.Root, "etc", "conf.d");
        Directory.CreateDirectory(dropIns);
        await File.WriteAllTextAsync(Path.Combine(daemon.Root, "etc", "lamina.json"), "{\n  \"nodeName\": oops\n}\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(dropIns, "a.json"), "{\"nodeName\": \"x\",\n\n \"nodeName\": \"y\"}", TestContext.Current.CancellationToken);

        daemon.Launch();

        Assert.Equal(2, await daemon.EndAsync());
        var lines = daemon.Log.TrimEnd('\n').Split('\n');
        Assert.Equal("lamina: the configuration is wrong:", lines[0]);
        Assert.StartsWith($"  {daemon.Root}/etc/lamina.json, line 2, byte 15: 'o' is an invalid start of a value.", lines[1], StringComparison.Ordinal);
        Assert.StartsWith($"  {dropIns}/a.json: A duplicate key 'nodeName' was found", lines[2], StringComparison.Ordinal);
        Assert.Equal(3, lines.Length);
    }

    [Theory]
    [InlineData("{}", "--configurationFile=/nowhere/lamina.json", "/nowhere/lamina.json: there is no such file")]
    [InlineData("[]", "--nodeName=x", "etc/lamina.json: ")]
    [InlineData("""{"bindRoots": "/data"}""", "--nodeName=x", "bindRoots is '/data', but it is a list")]
    [InlineData("""{"csi": 5}""", "--nodeName=x", "csi is '5', but it has keys beneath it")]
    [InlineData("{}", "foo", "serve takes configuration, such as --metrics:address=none, and not 'foo'")]
    [InlineData("{}", "-x", "and not '-x'")]
    [InlineData("{}", "--driverName", "and not '--driverName'")]
    [InlineData("{}", "--timeout=5s", "and not '--timeout'")]
    [InlineData("{}", "--output=json", "and not '--output'")]
    [InlineData("{}", "nodeName=x", "and not 'nodeName=x'")]
    public async Task Serve_WrongConfiguration_EndsWithTwoAndSaysWhy(string json, string argument, string expected)
    {
        var root = TestScratch.NewDirectory("wrong");
        Directory.CreateDirectory(Path.Combine(root, "etc"));
        await File.WriteAllTextAsync(Path.Combine(root, "etc", "lamina.json"), json, TestContext.Current.CancellationToken);

        var result = await ChildProcess.RunAsync(
            LaminaProcess.Path,
            ["serve", $"--configurationDirectory={root}/etc", $"--runtimeDirectory={root}/run", $"--stateDirectory={root}/state", $"--csi:endpoint=unix://{root}/csi.sock", argument],
            TestContext.Current.CancellationToken);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
        Assert.Equal(["etc"], Directory.EnumerateFileSystemEntries(root).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Command_SocketWithALongPath_IsRefusedInOneLine()
    {
        var path = "/" + new string('x', 107);
        var run = await CliRun.RunAsync(CliRun.HostOf(path), "pool", "ls");

        Assert.Equal((2, $"lamina: --socket is '{path}', which is 108 bytes long; the path of a socket has at most 107: choose a shorter one\n"), (run.ExitCode, run.Error));
    }
}
