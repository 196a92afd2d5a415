using Lamina.Testing;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;

namespace Lamina.Tests.Csi;

/// <summary>The same on a ZFS pool.</summary>
[Collection<ZfsCollection>]
public sealed class ZfsKubeletDayTests(ZfsFileSystem fileSystem)
{
    [Fact]
    public async Task Day_OnWhichTheDaemonIsKilledAfterEachCall_EndsWell()
    {
        await using var day = await KubeletDay.StartAsync(fileSystem);
        await KubeletDayTests.LiveAsync(day, Requests.Mount(Mode.SingleNodeMultiWriter));
    }

    [Fact]
    public async Task Reboot_WithPodsThatWereNeverUnpublished_GivesThemTheirVolumeAgain()
    {
        await using var day = await KubeletDay.StartAsync(fileSystem);
        await KubeletDayTests.RebootAsync(day, Requests.Mount(Mode.SingleNodeMultiWriter));
    }
}
