using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Zfs;

namespace Lamina.Storage.Tests.Pools.Zfs;

/// <summary>What a ZFS pool says of its health, read.</summary>
public sealed class ZpoolHealthTests
{
    /// <summary>As OpenZFS 2.3 writes it of a pool that has lost a disk, and something on the others.</summary>
    internal const string Degraded =
        """
          pool: tank
         state: DEGRADED
        status: One or more devices has experienced an error resulting in data
        	corruption.  Applications may be affected.
        action: Restore the file in question if possible.  Otherwise restore the
        	entire pool from backup.
           see: https://openzfs.github.io/openzfs-docs/msg/ZFS-8000-8A
          scan: scrub repaired 0B in 00:00:01 with 2 errors on Sun Nov  8 00:24:02 2026
        config:

        	NAME                      STATE     READ WRITE CKSUM
        	tank                      DEGRADED     0     0     0
        	  mirror-0                DEGRADED     0     0     4
        	    sda                   ONLINE       0     0 12345
        	    17284719482174819212  UNAVAIL      0     2     0  was /dev/sdb1
        	  sdc                     ONLINE       0     0     0
        	logs
        	  nvme0n1                 ONLINE       0     0     0
        	spares
        	  sdd                     AVAIL

        errors: 2 data errors, use '-v' for a list

        """;

    private const string FuseOnline =
        """
          pool: tank
         state: ONLINE
         scrub: none requested
        config:

        	NAME                  STATE     READ WRITE CKSUM
        	tank                  ONLINE       0     0     0
        	  /var/tmp/zfx/a.img  ONLINE       0     0     0

        errors: No known data errors

        """;

    [Fact]
    public void Parse_OfAPoolThatIsWell_HasNothingToTell()
    {
        var health = ZpoolHealth.Parse("tank", "ONLINE\n", FuseOnline);

        Assert.Empty(health.Problems);
        Assert.Equal(new PoolHealth(null, 0) { State = "ONLINE" }, health.Figures);
    }

    [Fact]
    public void Parse_OfAPoolThatIsNot_NamesEachDeviceThatHasErrors()
    {
        var health = ZpoolHealth.Parse("tank", "DEGRADED\t17\n", Degraded);

        Assert.Equal(new PoolHealth(17, 12_347) { State = "DEGRADED" }, health.Figures);
        Assert.Collection(
            health.Problems,
            state => Assert.Contains("tank is DEGRADED", state, StringComparison.Ordinal),
            mirror => Assert.Contains("mirror-0 of the ZFS pool tank has had errors: 0 reads, 0 writes, 4 checksums", mirror, StringComparison.Ordinal),
            disk => Assert.Contains("sda of the ZFS pool tank has had errors: 0 reads, 0 writes, 12345 checksums", disk, StringComparison.Ordinal),
            gone => Assert.Contains("17284719482174819212 of the ZFS pool tank has had errors: 0 reads, 2 writes", gone, StringComparison.Ordinal),
            data => Assert.Contains("has lost data (2 data errors", data, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("ONLINE\t-\n", "")]
    [InlineData("ONLINE\n", "something else\n")]
    public void Parse_OfWhatIsNotSaid_IsUnknownAndNotZero(string list, string status) =>
        Assert.Equal(PoolHealth.Unknown with { State = "ONLINE" }, ZpoolHealth.Parse("tank", list, status).Figures);

    [Fact]
    public void Parse_OfFiguresThatAreRounded_TellsOfThemButCountsNone()
    {
        var health = ZpoolHealth.Parse("tank", "ONLINE\n", FuseOnline.Replace("a.img  ONLINE       0     0     0", "a.img  ONLINE       0     0 1.21K", StringComparison.Ordinal));

        Assert.Null(health.Figures.DeviceErrors);
        Assert.Contains("1.21K checksums", Assert.Single(health.Problems), StringComparison.Ordinal);
    }
}
