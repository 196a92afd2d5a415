using System.Collections.Immutable;
using Lamina.Cli.Doctor;
using Lamina.Linux;
using Lamina.Testing;
using Lamina.Tests.Csi;
using Lamina.V1;

namespace Lamina.Tests.Cli;

public sealed class DoctorTests(TestDaemon daemon) : IClassFixture<TestDaemon>
{
    private static readonly HostFacts Good = new()
    {
        IsRoot = true,
        KernelRelease = "6.12.0-amd64",
        FileSystems = ["ext4", "overlay", "btrfs", "xfs"],
        HasDiskQuotas = true,
        HasLoopControl = true,
        Tools = FileSystemTool.All.ToImmutableDictionary(tool => tool.Name, tool => $"/usr/sbin/{tool.Name}"),
        HasCgroup2 = true,
        PidNamespace = HostFacts.HostPidNamespace,
        Mounts = MountTable.Parse("1 0 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n"),
    };

    [Fact]
    public void Judge_GoodHost_IsAllOk() => Assert.All(HostChecks.Judge(Good), check => Assert.Equal(CheckStatus.Ok, check.Status));

    [Fact]
    public void Judge_NotRoot_IsAProblem() => AssertCheck(Good with { IsRoot = false }, "root", CheckStatus.Problem, "sudo lamina");

    [Theory]
    [InlineData("5.4.0", "openat2", CheckStatus.Problem)]
    [InlineData("5.4.0", "mount_setattr", CheckStatus.Problem)]
    [InlineData("5.6.0", "openat2", CheckStatus.Ok)]
    [InlineData("6.1.0-18-amd64", "mount_setattr", CheckStatus.Ok)]
    [InlineData("6.1.0-18-amd64", "overlay lowerdir+", CheckStatus.Warning)]
    [InlineData("6.5.1", "overlay lowerdir+", CheckStatus.Ok)]
    [InlineData("6.6.1", "btrfs simple quotas", CheckStatus.Warning)]
    [InlineData("6.7.0", "btrfs simple quotas", CheckStatus.Ok)]
    [InlineData("6.7.0", "statmount", CheckStatus.Warning)]
    [InlineData("6.10.3", "statmount", CheckStatus.Ok)]
    public void Judge_Kernel_KnowsWhatItHas(string release, string feature, CheckStatus status) =>
        Assert.Equal(status, Assert.Single(HostChecks.Judge(Good with { KernelRelease = release }), check => check.Name == feature).Status);

    [Theory]
    [InlineData("5.4.0", "openat2", true, CheckStatus.Ok)]
    [InlineData("6.18.0", "openat2", false, CheckStatus.Problem)]
    [InlineData("custom", "statmount", true, CheckStatus.Ok)]
    [InlineData("6.18.0", "btrfs simple quotas", false, CheckStatus.Warning)]
    public void Judge_WhatTheKernelWasAsked_CountsMoreThanItsVersion(string release, string feature, bool has, CheckStatus status)
    {
        var facts = Good with { KernelRelease = release, Probed = new Dictionary<string, bool> { [feature] = has } };

        Assert.Equal(status, Assert.Single(HostChecks.Judge(facts), check => check.Name == feature).Status);
    }

    [Fact]
    public void Read_ThisHost_AsksTheKernelForEverything()
    {
        var facts = HostFacts.Read(CliRun.HostOf(""));

        // The tests need a kernel that has all of it, as root.
        Assert.Equal(KernelFeature.All.Select(feature => (feature.Name, true)), facts.Probed.Select(probed => (probed.Key, probed.Value)));
        Assert.Equal(Directory.Exists("/proc/sys/fs/quota"), facts.HasDiskQuotas);
    }

    [Fact]
    public void Judge_CommandsOfZfsWithoutAKernelThatHasIt_IsAWarning() =>
        AssertCheck(Good with { Tools = Good.Tools.Add("zfs", "/usr/sbin/zfs") }, "zfs", CheckStatus.Warning, "modprobe zfs");

    [Fact]
    public void Judge_KernelWithZfsWithoutItsCommands_IsAWarning() => AssertCheck(Good with { Modules = ["zfs"] }, "zfs", CheckStatus.Warning, "zfsutils-linux");

    [Fact]
    public void Judge_CommandsOfZfsThatAreTheHosts_IsOkWithoutAnyOfOurs() => Assert.Equal(
        CheckStatus.Ok, Assert.Single(HostChecks.Judge(Good with { Modules = ["zfs"], HasZfsElsewhere = true }), check => check.Name == "zfs").Status);

    [Fact]
    public void Judge_NoDiskQuotas_SaysWhatHasThem() => AssertCheck(Good with { HasDiskQuotas = false }, "disk quotas", CheckStatus.Warning, "CONFIG_QUOTA");

    [Fact]
    public void Judge_KernelWithoutAVersion_IsAWarning() => AssertCheck(Good with { KernelRelease = "custom" }, "kernel", CheckStatus.Warning, "uname -r");

    [Fact]
    public void Judge_NoOverlay_IsAProblem() => AssertCheck(Good with { FileSystems = ["ext4"] }, "overlay", CheckStatus.Problem, "modprobe overlay");

    [Fact]
    public void Judge_OverlayAsModule_IsOk() =>
        Assert.Equal(CheckStatus.Ok, Assert.Single(HostChecks.Judge(Good with { FileSystems = ["ext4"], Modules = ["overlay"] }), check => check.Name == "overlay").Status);

    [Fact]
    public void Judge_NoBtrfs_IsAWarning() => AssertCheck(Good with { FileSystems = ["overlay"] }, "btrfs", CheckStatus.Warning, "modprobe btrfs");

    [Fact]
    public void Judge_NoXfs_MattersToNobodyElse() =>
        Assert.Equal(CheckStatus.Ok, Assert.Single(HostChecks.Judge(Good with { FileSystems = ["overlay"] }), check => check.Name == "xfs").Status);

    [Theory]
    [InlineData("mkfs.btrfs", "apt-get install btrfs-progs")]
    [InlineData("mkfs.xfs", "apt-get install xfsprogs")]
    [InlineData("tune2fs", "apt-get install e2fsprogs")]
    public void Judge_NoTool_SaysHowToGetIt(string tool, string advice) => AssertCheck(Good with { Tools = Good.Tools.Remove(tool) }, tool, CheckStatus.Warning, advice);

    [Fact]
    public void Judge_NoLoopDevices_IsAWarning() => AssertCheck(Good with { HasLoopControl = false }, "loop devices", CheckStatus.Warning, "modprobe loop");

    [Fact]
    public void Judge_NoCgroup2_IsAWarning() => AssertCheck(Good with { HasCgroup2 = false }, "cgroup v2", CheckStatus.Warning, "unified_cgroup_hierarchy");

    [Fact]
    public void Judge_InAContainer_IsAWarning() => AssertCheck(Good with { PidNamespace = "pid:[4026532500]" }, "pid namespace", CheckStatus.Warning, "hostPID");

    [Fact]
    public void Judge_PrivateRun_SaysHowToShareIt() => AssertCheck(
        Good with { Mounts = MountTable.Parse("1 0 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n2 1 0:5 / /run rw - tmpfs tmpfs rw\n") },
        "mount propagation", CheckStatus.Warning, "mount --make-rshared /run");

    [Fact]
    public void Parse_FilesOfTheKernel_FindsTheNames()
    {
        Assert.Equal(["sysfs", "ext4", "overlay"], HostFacts.ParseFileSystems("nodev\tsysfs\n\text4\nnodev\toverlay\n"));
        Assert.Equal(["overlay", "dm_mod"], HostFacts.ParseModules("kernel/fs/overlayfs/overlay.ko.xz: kernel/a.ko\nkernel/drivers/md/dm-mod.ko:\n"));
    }

    [Fact]
    public async Task Doctor_WithDaemon_ShowsItsPools()
    {
        var run = await CliRun.RunAsync(daemon, "doctor");

        Assert.Equal(0, run.ExitCode);
        Assert.Matches(@"(?m)^CHECK +STATUS +DETAIL$", run.Out);
        Assert.Matches(@"(?m)^daemon +ok +version \d", run.Out);
        Assert.Matches(@"(?m)^default pool +ok +default$", run.Out);
        Assert.Matches(@"(?m)^pool default +ok +overlay2 at ", run.Out);
    }

    [Fact]
    public async Task Doctor_PoolsWithAdvisorySizes_SaysHowEachGetsHardLimits()
    {
        await using var ext4 = await LoopDisk.CreateAsync(FileSystemKind.Ext4);
        await using var xfs = await LoopDisk.CreateAsync(FileSystemKind.Xfs);
        await using var btrfs = await LoopDisk.CreateAsync(FileSystemKind.Btrfs);
        await using var pools = await TestDaemon.StartAsync(
        [
            .. CsiPools.OverlayAt("on-ext4", ext4.NewDirectory()), .. CsiPools.OverlayAt("on-xfs", xfs.NewDirectory()), .. CsiPools.OverlayAt("on-btrfs", btrfs.NewDirectory()),
            .. CsiPools.Btrfs("btrfs", btrfs), .. CsiPools.Btrfs("limited", btrfs, "--quota=simple"),
        ]);

        var checks = (await CliRun.JsonAsync(pools, "doctor")).AsArray();

        // Quotas are the filesystem's: when one pool has switched them on, the other has to be told to use them.
        foreach (var (pool, advice) in ((string, string)[])[("on-ext4", "tune2fs -O project,quota"), ("on-xfs", "-o prjquota"), ("on-btrfs", "--backend btrfs"), ("btrfs", "\"quota\": \"simple\"")])
        {
            var check = Assert.Single(checks, check => (string?)check!["name"] == $"pool {pool}" && (string?)check["status"] == "warning")!;
            Assert.Contains("sizes are advisory", (string?)check["detail"], StringComparison.Ordinal);
            Assert.Contains(advice, (string?)check["advice"], StringComparison.Ordinal);
        }
        Assert.DoesNotContain(checks, check => (string?)check!["name"] == "pool limited" && (string?)check["status"] != "ok");
        await pools.StopAsync();
    }

    [Fact]
    public async Task Doctor_WithoutDaemon_StillChecksTheHost()
    {
        var run = await CliRun.RunAsync(CliRun.HostOf("/nowhere/admin.sock"), "doctor", "-o", "json");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains(run.Json.AsArray(), check => (string?)check!["name"] == "overlay" && (string?)check["status"] == "ok");
        Assert.Contains(run.Json.AsArray(), check => (string?)check!["name"] == "daemon" && (string?)check["status"] == "warning");
    }

    [Fact]
    public async Task Doctor_WithBrokenPool_EndsWithOne()
    {
        await using var broken = await TestDaemon.StartAsync("--pools:gone:backend=overlay2", "--pools:gone:path=/nowhere/pool");

        var run = await CliRun.RunAsync(broken, "doctor");

        Assert.Equal(1, run.ExitCode);
        Assert.Matches(@"(?m)^pool gone +PROBLEM +the directory /nowhere/pool does not exist", run.Out);
        Assert.Equal("lamina: something that is needed is missing or broken\n", run.Error);
    }

    [Fact]
    public async Task Doctor_NotRoot_EndsWithOne() =>
        Assert.Equal(1, (await CliRun.RunAsync(CliRun.HostOf(daemon.AdminSocket) with { IsRoot = false }, "doctor")).ExitCode);

    private static void AssertCheck(HostFacts facts, string name, CheckStatus status, string advice)
    {
        var check = Assert.Single(HostChecks.Judge(facts), check => check.Name == name);
        Assert.Equal(status, check.Status);
        Assert.Contains(advice, check.Advice, StringComparison.Ordinal);
    }
}
