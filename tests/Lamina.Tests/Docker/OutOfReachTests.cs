using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Csi;

namespace Lamina.Tests.Docker;

/// <summary>
/// Volumes that can't be reached just now. An engine that does not find its volume has it made, so it must never be given an empty one of the same name.
/// </summary>
public sealed class OutOfReachTests
{
    private readonly string _root = TestScratch.NewDirectory("docker");

    [Fact]
    public async Task Create_WhileAPoolIsMissing_IsRefusedUnlessThePoolIsNamed()
    {
        await using var daemon = await TestDaemon.StartAsync(["--docker:enabled=true", $"--docker:socket={_root}/other.sock", .. Csi.CsiPools.Overlay("here", "--default"),
            "--pools:gone:backend=overlay2", "--pools:gone:path=/nowhere/pool"]);
        var refused = await DriverClient.RefusedAsync($"{_root}/other.sock", "VolumeDriver.Create", """{"Name":"v"}""");

        Assert.StartsWith("there is no volume 'v' in the pools that are served, but pool 'gone' is not, and may hold it: ", refused, StringComparison.Ordinal);
        await DriverClient.OkAsync($"{_root}/other.sock", "VolumeDriver.Create", """{"Name":"v","Opts":{"pool":"here"}}""");
        await DriverClient.OkAsync($"{_root}/other.sock", "VolumeDriver.Create", """{"Name":"v"}""");
        // A host directory is what it is, wherever a volume of the name may lie.
        Assert.StartsWith("bind volumes are switched off", await DriverClient.RefusedAsync($"{_root}/other.sock", "VolumeDriver.Create", """{"Name":"w","Opts":{"type":"bind","source":"/data"}}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_OfANameWhoseRecordCanNotBeRead_IsRefusedInEveryPool()
    {
        var pool = TestScratch.NewDirectory("pool");
        string[] old = CsiPools.OverlayAt("old", pool);
        await using (await TestDaemon.StartAsync([.. Door("first"), .. old]))
            await DriverClient.OkAsync($"{_root}/first.sock", "VolumeDriver.Create", """{"Name":"v","Opts":{"pool":"old"}}""");
        await File.WriteAllTextAsync($"{pool}/volumes/v/record.json", "{");

        await using var daemon = await TestDaemon.StartAsync([.. Door("second"), .. old, .. CsiPools.Overlay("new", "--default")]);

        foreach (var options in (string[])["null", """{"pool":"new"}"""])
        {
            var refused = await DriverClient.RefusedAsync($"{_root}/second.sock", "VolumeDriver.Create", $$"""{"Name":"v","Opts":{{options}}}""");
            Assert.StartsWith("'volumes/v' in pool 'old' can't be read", refused, StringComparison.Ordinal);
        }
        // So does a start of its container; and Docker hears nothing that it would take for the word that there is none.
        Assert.StartsWith("'volumes/v' in pool 'old' can't be read", await DriverClient.RefusedAsync($"{_root}/second.sock", "VolumeDriver.Mount", """{"Name":"v","ID":"a"}"""), StringComparison.Ordinal);
        Assert.Equal("", await DriverClient.AnswerAsync($"{_root}/second.sock", "POST /VolumeDriver.Get HTTP/1.1\r\nHost: \r\nContent-Length: 12\r\nConnection: close\r\n\r\n{\"Name\":\"v\"}"));
    }

    [Fact]
    public async Task Unmount_WhileThePoolIsMissing_EndsTheMountAndGetSaysWhatIsMissing()
    {
        var pool = TestScratch.NewDirectory("pool");
        string[] arguments = [.. Door("door"), .. CsiPools.OverlayAt("late", pool, "--default")];
        string path;
        await using (var daemon = new DaemonProcess(arguments))
        {
            await daemon.StartAsync();
            await DriverClient.OkAsync($"{_root}/door.sock", "VolumeDriver.Create", """{"Name":"v"}""");
            path = (string)(await DriverClient.OkAsync($"{_root}/door.sock", "VolumeDriver.Mount", """{"Name":"v","ID":"a"}"""))["Mountpoint"]!;
            Assert.Equal(0, await daemon.StopAsync());
            Directory.Move(pool, $"{pool}-away");
            await daemon.StartAsync();

            Assert.StartsWith("there is no volume 'v' in the pools that are served, but pool 'late' is not, and may hold it: ",
                await DriverClient.RefusedAsync($"{_root}/door.sock", "VolumeDriver.Get", """{"Name":"v"}""", "plugin"), StringComparison.Ordinal);
            await DriverClient.OkAsync($"{_root}/door.sock", "VolumeDriver.Unmount", """{"Name":"v","ID":"a"}""");

            Assert.Null(MountTable.Read().FindTop(path));
            Directory.Move($"{pool}-away", pool);
        }
    }

    private string[] Door(string name) => ["--docker:enabled=true", $"--docker:socket={_root}/{name}.sock"];
}
