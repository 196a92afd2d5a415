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

    [Fact]
    public void Read_WhatOnlyBtrfsPoolsHave_IsRefusedOfOthersAndTwice()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
        [
            new("pools:plain:backend", "overlay2"), new("pools:plain:path", "/plain"), new("pools:plain:image", "/plain.img"), new("pools:plain:quota", "simple"),
            new("pools:a:backend", "btrfs"), new("pools:a:path", "/a"), new("pools:a:image", "/shared.img"),
            new("pools:b:backend", "btrfs"), new("pools:b:path", "/b"), new("pools:b:image", "/shared.img"),
        ]).Build();

        var errors = Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read(configuration)).Errors;

        Assert.Equal(
        [
            "pools:plain:image is '/plain.img', but only a btrfs pool lies in an image",
            "pools:plain:quota is 'simple', which is of Btrfs; an overlay2 pool enforces sizes where its filesystem has project quotas",
            "pools: a and b have the same image /shared.img",
        ], errors);
    }
}
