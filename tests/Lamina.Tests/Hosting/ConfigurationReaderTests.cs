using Lamina.Hosting;
using Microsoft.Extensions.Configuration;

namespace Lamina.Tests.Hosting;

public sealed class ConfigurationReaderTests
{
    [Fact]
    public void Read_Nothing_IsTheEmbeddedDefault()
    {
        var (_, pools) = ConfigurationReader.Read(new ConfigurationBuilder().Build());
        Assert.Equal("/var/lib/lamina/pools/default", Assert.Single(pools).Path);
    }

    [Fact]
    public void Read_SeveralErrors_AreAllNamedAtOnce()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
        [
            new("pools:fast:backend", "zfsx"), new("pools:fast:path", "relative"), new("pools:fast:minFree", "much"),
            new("csi:endpoint", "tcp://1.2.3.4:5"), new("nonsense", "1"), new("pools:fast:sizze", "1"),
        ]).Build();
        var errors = Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read(configuration)).Errors;
        foreach (var value in (string[])["zfsx", "relative", "much", "tcp://1.2.3.4:5", "nonsense", "sizze"])
            Assert.Contains(errors, error => error.Contains($"'{value}'", StringComparison.Ordinal) || error.Contains(value, StringComparison.Ordinal));
    }
}
