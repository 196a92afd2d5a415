using System.Collections.Immutable;
using System.Globalization;

namespace Lamina.Storage.Pools.Zfs;

/// <summary>How the ZFS pool is that a pool lies in.</summary>
/// <param name="Figures">In figures.</param>
/// <param name="Problems">What is wrong with it, for a person.</param>
internal sealed record ZpoolHealth(PoolHealth Figures, ImmutableList<string> Problems)
{
    /// <summary>Not looked at yet.</summary>
    internal static ZpoolHealth Unknown { get; } = new(PoolHealth.Unknown, []);

    /// <summary>From what <c>zpool list</c> and <c>zpool status</c> answered.</summary>
    /// <param name="pool">The ZFS pool.</param>
    /// <param name="list">Its health, and its fragmentation where ZFS knows it.</param>
    /// <param name="status">The table of its devices, which all versions write alike.</param>
    internal static ZpoolHealth Parse(string pool, string list, string status)
    {
        var fields = list.Trim().Split('\t');
        var problems = ImmutableList.CreateBuilder<string>();
        if (fields[0] != "ONLINE")
            problems.Add($"the ZFS pool {pool} is {fields[0]}; see: zpool status -v {pool}");
        var rows = Rows(status);
        foreach (var row in rows.Where(row => row.Name != pool && row.HasErrors))
            problems.Add($"{row.Name} of the ZFS pool {pool} has had errors: {row.Counts[0]} reads, {row.Counts[1]} writes, {row.Counts[2]} checksums; see: zpool status -v {pool}");
        if (status.Split('\n').FirstOrDefault(line => line.StartsWith("errors:", StringComparison.Ordinal)) is { } errors && !errors.Contains("No known data errors", StringComparison.Ordinal))
            problems.Add($"the ZFS pool {pool} has lost data ({errors["errors:".Length..].Trim()}); see: zpool status -v {pool}");
        return new ZpoolHealth(new PoolHealth(fields.Length > 1 && int.TryParse(fields[1].TrimEnd('%'), NumberStyles.None, CultureInfo.InvariantCulture, out var part) ? part : null, Sum(rows)) { State = fields[0].Length > 0 ? fields[0] : null }, problems.ToImmutable());
    }

    // Of the devices themselves, as what they stand under counts them again. What is rounded is no figure.
    private static long? Sum(IReadOnlyList<Row> rows)
    {
        var devices = rows.Where((row, place) => place == rows.Count - 1 || rows[place + 1].Depth <= row.Depth).ToList();
        long sum = 0;
        foreach (var count in devices.SelectMany(device => device.Counts))
        {
            if (!long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                return null;
            sum += number;
        }
        return devices.Count > 0 ? sum : null;
    }

    // Such as "	    sda     ONLINE       0     0     0  (repairing)". Spares have no counts.
    private static List<Row> Rows(string status)
    {
        var rows = new List<Row>();
        foreach (var line in status.Split('\n').SkipWhile(line => !line.TrimStart().StartsWith("NAME ", StringComparison.Ordinal)).Skip(1).TakeWhile(line => line.Trim().Length > 0))
        {
            var columns = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (columns.Length >= 5 && char.IsAsciiDigit(columns[2][0]))
                rows.Add(new Row(line.Length - line.TrimStart().Length, columns[0], columns[2..5]));
        }
        return rows;
    }

    private sealed record Row(int Depth, string Name, string[] Counts)
    {
        internal bool HasErrors => Counts.Any(count => count != "0");
    }
}
