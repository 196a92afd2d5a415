using Lamina.Storage.Pauses;
using Lamina.Storage.Pools;
using Lamina.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;

namespace Lamina.Storage.Tests.Pools;

/// <summary>What is said of pools when they are loaded.</summary>
[Collection<BtrfsCollection>]
public sealed class PoolSetWarningTests(BtrfsFileSystem fileSystem)
{
    [Fact]
    public async Task Load_OfAPoolWithAdvisoryLimits_Warns()
    {
        var runtime = TestScratch.NewDirectory("run");
        var settings = new PoolSettings { Name = PoolName.Default, Backend = PoolBackend.Btrfs, Path = fileSystem.NewDirectory("pool") };
        PoolInitializer.Initialize(settings);
        var logger = new FakeLogger<PoolSet>();
        var opener = new PoolOpener(
            NullLoggerFactory.Instance, TimeProvider.System, new WriterPauses(runtime, null, TimeProvider.System, NullLogger<WriterPauses>.Instance));
        await using var pools = new PoolSet(opener, new ForgottenPools(runtime), new Catalog(), logger);

        await pools.LoadAsync([settings], CancellationToken.None);

        var warning = Assert.Single(logger.Collector.GetSnapshot(), record => record.Level == LogLevel.Warning);
        Assert.StartsWith("Pool default: sizes are advisory, so a volume may grow past its size: ", warning.Message, StringComparison.Ordinal);
    }
}
