using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Csi;
using static Lamina.Tests.Demo.MainJobTests;

namespace Lamina.Tests.Demo;

/// <summary>The same beside a daemon that serves a ZFS pool.</summary>
[Collection<ZfsCollection>]
public sealed class ZfsMainJobTests(ZfsFileSystem fileSystem)
{
    [Fact]
    public async Task MainJob_OnAZfsPool_BringsTheRowsBackAndLeavesNothing()
    {
        RequirePostgres();
        var dataset = fileSystem.NewDataset();
        await using (var daemon = await TestDaemon.StartAsync(await CsiPools.ZfsAsync("tank", dataset)))
        {
            var root = TestScratch.NewDirectory("main-job");

            var result = await RunAsync(root, $"exec {MainJob} < /dev/null", [$"LAMINA_SOCKET={daemon.AdminSocket}"]);

            Assert.True(result.ExitCode == 0, $"it ended with {result.ExitCode}:\n{result.Output}\n{result.Error}");
            AssertTold(result.Output);
            Assert.Empty(MountTable.Read().Beneath(daemon.RuntimeDirectory));
            Assert.Empty(ProcessesOf(root));
            // The four datasets of an empty pool.
            await Eventually.TrueAsync(
                () => ZfsFileSystem.RunAsync("list", "-H", "-r", "-t", "all", "-o", "name", dataset).GetAwaiter().GetResult().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length == 4,
                "nothing is left in the pool");
        }
        await ZfsFileSystem.DestroyAsync(dataset);
    }
}
