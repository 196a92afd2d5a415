using System.Text.Json.Nodes;
using Lamina.Testing;
using Lamina.Tests.Cli;

namespace Lamina.Tests.Docker;

/// <summary>The daemon as a plugin that Docker itself keeps.</summary>
[Collection(typeof(EngineCollection))]
public sealed class ManagedPluginTests(DockerEngine docker)
{
    [Fact]
    public async Task Plugin_BuiltAndInstalled_ServesVolumesThatContainersSee()
    {
        await docker.EnsureAsync();
        var directory = TestScratch.NewPath("plugin");
        (await EngineRun.RunAsync(Repository.PathOf("deploy/docker-plugin/build.sh"), directory, Path.GetDirectoryName(LaminaProcess.Path)!)).OutOf("build.sh");
        var state = TestScratch.NewDirectory("plugin-state");
        // A disk that holds something, as a host's has.
        await File.WriteAllTextAsync($"{state}/other", "");
        var config = JsonNode.Parse(await File.ReadAllTextAsync($"{directory}/config.json"))!;
        config["mounts"]!.AsArray()[0]!["source"] = state;
        // Where the tests themselves lack one, as in some sandboxes, they can't give it to anybody.
        var capabilities = config["linux"]!["capabilities"]!.AsArray();
        foreach (var lacking in capabilities.Where(capability => !Capabilities.Has((string)capability!)).ToList())
            capabilities.Remove(lacking);
        await File.WriteAllTextAsync($"{directory}/config.json", config.ToJsonString());
        await docker.OkAsync("plugin", "create", "lamina-plugin", directory);
        try
        {
            await docker.OkAsync("plugin", "enable", "lamina-plugin");
            await docker.OkAsync("volume", "create", "-d", "lamina-plugin", "-o", "size=64Mi", "managed");
            await docker.OkAsync("run", "--rm", "--network", "none", "-v", "managed:/content", "bb", "sh", "-c", "echo kept > /content/file");
            Assert.Equal("kept", await docker.OkAsync("run", "--rm", "--network", "none", "-v", "managed:/content", "bb", "cat", "/content/file"));
            Assert.NotEmpty(Directory.EnumerateFiles(state, "file", SearchOption.AllDirectories));
            // The end of this mount is never told; and what the host has of the plugin's mounts is no container.
            var container = await docker.OkAsync("run", "-d", "--network", "none", "--stop-signal", "KILL", "-v", "managed:/content", "bb", "sleep", "1000");
            docker.Kill();
            await docker.StartAsync();
            await docker.OkAsync("rm", "-f", container);

            // Its disk is missing after a boot: all that is left is the empty mount point.
            await docker.OkAsync("plugin", "disable", "-f", "lamina-plugin");
            Directory.Move(state, $"{state}-away");
            Directory.CreateDirectory(state);
            await docker.OkAsync("plugin", "enable", "lamina-plugin");
            var socket = $"/run/docker/plugins/{await docker.OkAsync("plugin", "inspect", "-f", "{{.ID}}", "lamina-plugin")}/lamina.sock";
            Assert.Contains("pool 'default' is not, and may hold it", await DriverClient.RefusedAsync(socket, "VolumeDriver.Create", """{"Name":"managed"}"""), StringComparison.Ordinal);
            Assert.Empty(Directory.EnumerateFileSystemEntries(state));

            await docker.OkAsync("plugin", "disable", "-f", "lamina-plugin");
            Directory.Delete(state);
            Directory.Move($"{state}-away", state);
            await docker.OkAsync("plugin", "enable", "lamina-plugin");
            Assert.Equal("kept", await docker.OkAsync("run", "--rm", "--network", "none", "-v", "managed:/content", "bb", "cat", "/content/file"));
            await docker.OkAsync("volume", "rm", "managed");
        }
        finally
        {
            await docker.RunAsync("plugin", "disable", "-f", "lamina-plugin");
            await docker.RunAsync("plugin", "rm", "-f", "lamina-plugin");
        }
    }
}
