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
    public void Read_ZfsPoolsOfWhichOneLiesInTheOther_AreRefused()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
        [
            new("pools:a:backend", "zfs"), new("pools:a:dataset", "tank/lamina"), new("pools:b:backend", "zfs"), new("pools:b:dataset", "tank/lamina/more"),
            new("pools:c:backend", "zfs"), new("pools:c:dataset", "tank/lamina2"),
        ]).Build();

        var errors = Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read(configuration)).Errors;

        Assert.Equal(["pools: b at tank/lamina/more lies in a at tank/lamina; a pool can't lie in another"], errors);
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

    [Fact]
    public void Read_ValuesOfAWrongType_NameTheirKeysAndHideNothing()
    {
        var errors = ErrorsOf(
            ("csi:maxVolumesPerNode", "abc"), ("csi:nodeLocal", "perhaps"), ("metrics:address", "zzz"), ("colour", "red"), ("pools:a:maxPause", "soon"), ("pools:a:path", "/a"),
            ("pools:b:overcommit", "much"), ("pools:b:backend", "floppy"), ("pools:c", "overlay2"), ("bindRoots", "/data"), ("csi:endpoint:x", "1"), ("admin:socket", null));

        Assert.Equal(
        [
            "admin:socket is null; leave it out to have its default",
            """bindRoots is '/data', but it is a list: ["/data"], or bindRoots:0=/data""",
            "unknown key 'colour'; known are nodeName, driverName, runtimeDirectory, stateDirectory, configurationDirectory, pools, bindRoots, csi, admin, docker, zfs, metrics, cluster, logging",
            "csi:endpoint is one value; there can be nothing beneath it, such as csi:endpoint:x",
            "csi:maxVolumesPerNode is 'abc'; it must be a whole number",
            "csi:nodeLocal is 'perhaps'; it must be true or false",
            "pools:a:maxPause is 'soon'; it must be a time as hours:minutes:seconds, such as 00:00:02.5",
            "pools:b:overcommit is 'much'; it must be a number",
            "pools:c is 'overlay2', but it has keys beneath it and no value",
            "metrics:address is 'zzz'; it must be an address and a port such as 127.0.0.1:9810, or none",
            "pools:a: The Backend field is required.",
            "pools:b: The Path field is required.",
            "pools:b:backend is 'floppy'; allowed are overlay2, btrfs and zfs",
        ], errors);
    }

    [Theory]
    [InlineData("my node")]
    [InlineData("-node")]
    [InlineData("node.")]
    [InlineData("node\n")]
    [InlineData("n234567890123456789012345678901234567890123456789012345678901234")]
    public void Read_NodeNameThatIsNoLabelValue_IsRefused(string name) =>
        Assert.StartsWith($"nodeName is '{name}'", Assert.Single(ErrorsOf(("nodeName", name))), StringComparison.Ordinal);

    [Fact]
    public void Read_WithoutANodeName_TakesTheWholeHostName() =>
        Assert.Equal(File.ReadAllText("/proc/sys/kernel/hostname").Trim(), ConfigurationReader.Read(new ConfigurationBuilder().Build()).Options.NodeName);

    [Fact]
    public void Read_SocketsWithLongPaths_AreRefusedWhereverTheyComeFrom()
    {
        var longest = "/" + new string('x', 106);
        ConfigurationReader.Read(Of(("csi:endpoint", "unix://" + longest), ("admin:socket", longest)));

        Assert.Equal(
        [
            $"csi:endpoint is '{longest}y', which is 108 bytes long; the path of a socket has at most 107: choose a shorter one",
            $"admin:socket is '{longest}y', which is 108 bytes long; the path of a socket has at most 107: choose a shorter one",
        ], ErrorsOf(("csi:endpoint", longest + "y"), ("admin:socket", longest + "y")));
        Assert.StartsWith("admin:socket is ", Assert.Single(ErrorsOf(("runtimeDirectory", longest))), StringComparison.Ordinal);
        Assert.Contains("108 bytes", Assert.Single(ErrorsOf(("admin:socket", "/" + new string('x', 105) + "é"))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1:9810", true)]
    [InlineData("127.0.0.1:0", true)]
    [InlineData("[::1]:9810", true)]
    [InlineData("none", true)]
    [InlineData("::1", false)]
    [InlineData("[::1]", false)]
    [InlineData("127.0.0.1", false)]
    [InlineData("127.0.0.1:", false)]
    [InlineData("127.0.0.1:65536", false)]
    [InlineData(":9810", false)]
    [InlineData("localhost:9810", false)]
    public void Read_MetricsAddress_NeedsAnAddressAndAPort(string address, bool usable)
    {
        if (usable)
            Assert.Equal(address, ConfigurationReader.Read(Of(("metrics:address", address))).Options.Metrics.Address);
        else
            Assert.StartsWith($"metrics:address is '{address}'", Assert.Single(ErrorsOf(("metrics:address", address))), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_ByDefault_ListensOnLoopbackAlone() =>
        Assert.Equal("127.0.0.1:9810", ConfigurationReader.Read(new ConfigurationBuilder().Build()).Options.Metrics.Address);

    private static IConfiguration Of(params IEnumerable<(string Key, string? Value)> values) =>
        new ConfigurationBuilder().AddInMemoryCollection(values.Select(pair => KeyValuePair.Create(pair.Key, pair.Value))).Build();

    private static IReadOnlyList<string> ErrorsOf(params IEnumerable<(string Key, string? Value)> values) =>
        Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read(Of(values))).Errors;
}
