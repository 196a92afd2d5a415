using System.Text.Json.Nodes;
using Lamina.Docker;
using Lamina.Linux;
using Lamina.Storage;
using Lamina.Storage.Attachments;
using Lamina.Storage.Operations;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Tests.Docker;

/// <summary>What becomes of an engine's holders when the engine does not say that they have ended.</summary>
public sealed class EngineHolderTests : IAsyncLifetime
{
    private readonly string _root = TestScratch.NewDirectory("docker");
    private TestDaemon _daemon = null!;

    private string Socket => $"{_root}/lamina.sock";

    private AttachmentService Attachments => _daemon.Services.GetRequiredService<AttachmentService>();

    public async ValueTask InitializeAsync() => _daemon = await TestDaemon.StartAsync("--docker:enabled=true", $"--docker:socket={Socket}", $"--bindRoots:0={_root}");

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    public async Task Holder_WhoseContainerWentWithoutAWord_IsDroppedAndOneThatOnlyBeginsIsNot()
    {
        foreach (var name in (string[])["v", "w"])
            await OkAsync("VolumeDriver.Create", $$"""{"Name":"{{name}}"}""");
        var path = await MountAsync("a");
        var other = (string)(await OkAsync("VolumeDriver.Mount", """{"Name":"w","ID":"b"}"""))["Mountpoint"]!;
        var podman = (string)(await OkAsync("VolumeDriver.Mount", $$"""{"Name":"w","ID":"{{Engines.PodmanId}}"}"""))["Mountpoint"]!;
        using (await ContainerNamespace.StartAsync(_root, path))
            await TidyAsync();
        Assert.NotNull(MountTable.Read().FindTop(path));

        await TidyAsync();

        Assert.Null(MountTable.Read().FindTop(path));
        Assert.NotNull(MountTable.Read().FindTop(other));
        Assert.Equal(other, podman);
        Assert.Empty(Attachments.HoldersOf(VolumeOf("v").Id));
        Assert.Equal(2, Attachments.HoldersOf(VolumeOf("w").Id).Count);
    }

    // The second holder's container is not there yet: that of the first is no proof of it.
    [Fact]
    public async Task Holder_BesideAContainerOfAnother_IsNotTakenForLost()
    {
        await OkAsync("VolumeDriver.Create", """{"Name":"v"}""");
        var path = await MountAsync("a");
        await MountAsync("b");
        using (await ContainerNamespace.StartAsync(_root, path))
            await TidyAsync();
        await UnmountAsync("a");

        await TidyAsync();

        Assert.NotNull(MountTable.Read().FindTop(path));
        Assert.Equal("b", Assert.Single(Attachments.HoldersOf(VolumeOf("v").Id)).Reference);
    }

    [Fact]
    public async Task Holder_OfAVolumeThatSomebodyUnmountedUnderItsContainer_IsKept()
    {
        await OkAsync("VolumeDriver.Create", """{"Name":"v"}""");
        var path = await MountAsync("a");
        using (await ContainerNamespace.StartAsync(_root, path))
        {
            await TidyAsync();
            Assert.True(Mounts.TryUnmount(path));

            await TidyAsync();

            Assert.Single(Attachments.HoldersOf(VolumeOf("v").Id));
        }
    }

    [Fact]
    public async Task Holders_OfAContainerThatHasTheVolumeTwice_GoWithIt()
    {
        await OkAsync("VolumeDriver.Create", """{"Name":"v"}""");
        var path = await MountAsync("a");
        await MountAsync("b");
        using (await ContainerNamespace.StartAsync(_root, path, "one", "two"))
            await TidyAsync();
        Assert.Equal(2, Attachments.HoldersOf(VolumeOf("v").Id).Count);

        await TidyAsync();

        Assert.Empty(Attachments.HoldersOf(VolumeOf("v").Id));
        Assert.Null(MountTable.Read().FindTop(path));
    }

    // The third mount is of somebody who has told nobody, so the two that were told of may not be there yet.
    [Fact]
    public async Task Holders_BesideMoreMountsThanTheyAre_AreNotTakenForLost()
    {
        await OkAsync("VolumeDriver.Create", """{"Name":"v"}""");
        var path = await MountAsync("a");
        await MountAsync("b");
        using (await ContainerNamespace.StartAsync(_root, path, "one", "two", "three"))
            await TidyAsync();

        await TidyAsync();

        Assert.Equal(2, Attachments.HoldersOf(VolumeOf("v").Id).Count);
    }

    [Fact]
    public async Task Holder_OfAHostDirectoryThatIsAMountOfItsOwn_GoesWithItsContainer()
    {
        var source = Directory.CreateDirectory($"{_root}/disk").FullName;
        using (var disk = Mounts.CreateFileSystem("tmpfs", "disk", [], MountAttributes.None))
            Mounts.Attach(disk, source);
        try
        {
            await OkAsync("VolumeDriver.Create", $$$"""{"Name":"v","Opts":{"type":"bind","source":"{{{source}}}"}}""");
            await OkAsync("VolumeDriver.Create", $$$"""{"Name":"w","Opts":{"type":"bind","source":"{{{source}}}"}}""");
            var path = await MountAsync("a");
            await OkAsync("VolumeDriver.Mount", """{"Name":"w","ID":"b"}""");
            using (await ContainerNamespace.StartAsync(_root, path))
            {
                await TidyAsync();
                Assert.Contains("a container has it mounted", await DriverClient.RefusedAsync(Socket, "VolumeDriver.Remove", """{"Name":"v"}"""), StringComparison.Ordinal);
            }

            await TidyAsync();

            Assert.Empty(Attachments.HoldersOf(VolumeOf("v").Id));
            Assert.Null(MountTable.Read().FindTop(path));
            foreach (var name in (string[])["v", "w"])
                await OkAsync("VolumeDriver.Remove", $$"""{"Name":"{{name}}"}""");
        }
        finally
        {
            MountCleanup.UnmountBeneath(source);
        }
    }

    [Fact]
    public async Task Remove_ByOneEngine_EndsNothingOfTheOther()
    {
        await OkAsync("VolumeDriver.Create", """{"Name":"v"}""");
        var path = await MountAsync("a");
        Assert.Contains("is in use by a container of Docker; see: docker ps -a --filter volume=v",
            await DriverClient.RefusedAsync(Socket, "VolumeDriver.Remove", """{"Name":"v"}""", "plugin"), StringComparison.Ordinal);
        await MountAsync(Engines.PodmanId);
        await UnmountAsync("a");

        Assert.Contains("is in use by a container of Podman; see: podman ps -a --filter volume=v; where no container has it: podman volume unmount v",
            await DriverClient.RefusedAsync(Socket, "VolumeDriver.Remove", """{"Name":"v"}"""), StringComparison.Ordinal);

        Assert.NotNull(MountTable.Read().FindTop(path));
        await DriverClient.OkAsync(Socket, "VolumeDriver.Remove", """{"Name":"v"}""", "plugin");
    }

    // It counts itself: its one end means that nothing of its own has the volume.
    [Fact]
    public async Task Unmount_ByPodman_EndsAllThatItHasWhereNoContainerIsLeft()
    {
        await OkAsync("VolumeDriver.Create", """{"Name":"v"}""");
        var path = await MountAsync(Engines.PodmanId);
        using (await ContainerNamespace.StartAsync(_root, path))
            await MountAsync(Engines.PodmanId);

        await UnmountAsync(Engines.PodmanId);

        Assert.Null(MountTable.Read().FindTop(path));
    }

    // A plugin's mounts are handed on to the host, which has them at a path that only ends like ours.
    [Fact]
    public async Task Holder_WhoseVolumeTheHostHasAtAnotherPlace_IsNotTakenForAContainers()
    {
        await OkAsync("VolumeDriver.Create", """{"Name":"v"}""");
        var path = await MountAsync("a");
        using (await ContainerNamespace.StartAsync(_root, path))
            await TidyAsync();
        using (await ContainerNamespace.StartAsync(_root, path, $"propagated-mount/mounts/{VolumeOf("v").Id}"))
            await TidyAsync();

        Assert.Empty(Attachments.HoldersOf(VolumeOf("v").Id));
    }

    [Fact]
    public async Task Holder_ThatNoContainerWasEverSeenWith_IsDroppedWhenItCanNotBeOnlyBeginning()
    {
        await OkAsync("VolumeDriver.Create", """{"Name":"v"}""");
        var path = await MountAsync("a");
        var time = new FakeTimeProvider();
        var services = _daemon.Services;
        var later = new AttachmentService(
            services.GetRequiredService<AttachmentOptions>(), services.GetRequiredService<PoolSet>(), services.GetRequiredService<Catalog>(), services.GetRequiredService<OperationRunner>(), time,
            NullLogger<AttachmentService>.Instance);
        await later.TidyEnginesAsync(TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromMinutes(14));
        await later.TidyEnginesAsync(TestContext.Current.CancellationToken);
        Assert.NotNull(MountTable.Read().FindTop(path));

        time.Advance(TimeSpan.FromMinutes(2));
        await later.TidyEnginesAsync(TestContext.Current.CancellationToken);

        Assert.Empty(later.HoldersOf(VolumeOf("v").Id));
        Assert.Null(MountTable.Read().FindTop(path));
    }

    private Volume VolumeOf(string name) => _daemon.Services.GetRequiredService<VolumeService>().GetByNameOrId(name);

    private Task TidyAsync() => Attachments.TidyEnginesAsync(TestContext.Current.CancellationToken);

    private async Task<string> MountAsync(string id) => (string)(await OkAsync("VolumeDriver.Mount", $$"""{"Name":"v","ID":"{{id}}"}"""))["Mountpoint"]!;

    private Task UnmountAsync(string id) => OkAsync("VolumeDriver.Unmount", $$"""{"Name":"v","ID":"{{id}}"}""");

    private Task<JsonNode> OkAsync(string method, string body) => DriverClient.OkAsync(Socket, method, body);
}
