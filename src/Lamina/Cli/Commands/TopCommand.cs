using System.CommandLine;
using Lamina.Cli.Output;
using Spectre.Console;

namespace Lamina.Cli.Commands;

/// <summary><c>lamina top</c>: pools and volumes as they change, for whoever has no dashboard.</summary>
internal static class TopCommand
{
    private const string Home = "\e[H\e[J";
    private const int MaxVolumes = 25;

    /// <summary>Builds the command.</summary>
    internal static Command Build(CliHost host, GlobalOptions globals)
    {
        var interval = new Option<string>("--interval", "-i") { Description = "How often to look: " + Duration.Grammar, DefaultValueFactory = _ => "2s" };
        var count = new Option<int?>("--count", "-n") { Description = "End after so many looks; by itself on a terminal never, and elsewhere after one" };
        var command = new Command("top", "Show pools and volumes as they change: what they use, and how fast they grow. Ctrl-C ends it") { interval, count };
        Session.SetAction(command, host, globals, async session =>
        {
            if (!Duration.TryParse(session.Parse.GetRequiredValue(interval), out var pause) || pause <= TimeSpan.Zero)
                throw new CommandFailure(ExitCode.Usage, $"--interval is '{session.Parse.GetRequiredValue(interval)}'; it is {Duration.Grammar}");
            var looks = session.Parse.GetValue(count) ?? (host.OutIsTerminal ? int.MaxValue : 1);
            try
            {
                await RunAsync(session, host, pause, looks);
            }
            catch (Exception) when (session.Call.CancellationToken.IsCancellationRequested)
            {
                // The proper end of it.
            }
        });
        return command;
    }

    private static async Task RunAsync(Session session, CliHost host, TimeSpan pause, int looks)
    {
        var growth = new Growth();
        for (var look = 1; ; look++)
        {
            await LookAsync(session, host, growth);
            if (look >= looks)
                return;
            await Task.Delay(pause, host.Time, session.Call.CancellationToken);
        }
    }

    private static async Task LookAsync(Session session, CliHost host, Growth growth)
    {
        var pools = await session.CollectAsync("reading pools", session.Daemon.Pools.List(new V1.ListPoolsRequest(), session.Call));
        var volumes = await session.CollectAsync("reading volumes", session.Daemon.Volumes.List(new V1.ListVolumesRequest(), session.Call));
        growth.Add(volumes);
        if (session.Output.IsJson)
        {
            session.Output.Show(volumes, () => new Table());
            return;
        }
        if (host.OutIsTerminal)
            host.Out.Write(Home);
        session.Output.Render(Draw(pools));
        host.Out.WriteLine();
        session.Output.Render(Draw(volumes, growth));
        host.Out.Flush();
    }

    private static Table Draw(IReadOnlyList<V1.Pool> pools)
    {
        var table = CommandOutput.NewTable("POOL", "BACKEND", "SIZE>", "AVAILABLE>", "USED>", "PROMISED>", "VOLUMES>", "SNAPSHOTS>", "LIMITS", "STATE");
        foreach (var pool in pools)
        {
            CommandOutput.AddRow(table,
                pool.Name,
                pool.Backend,
                pool.HasSizeBytes ? Sizes.Text(pool.SizeBytes) : "-",
                pool.HasAvailableBytes ? Sizes.Text(pool.AvailableBytes) : "-",
                pool is { HasSizeBytes: true, HasAvailableBytes: true, SizeBytes: > 0 } ? Percent(pool.SizeBytes - pool.AvailableBytes, pool.SizeBytes) : "-",
                pool.HasPromisedBytes ? Sizes.Text(pool.PromisedBytes) : "-",
                pool.HasVolumes ? FormattableString.Invariant($"{pool.Volumes}") : "-",
                pool.HasSnapshots ? FormattableString.Invariant($"{pool.Snapshots}") : "-",
                pool.HasLimits ? pool.Limits : "-",
                !pool.Loaded ? "not loaded" : pool.HasProblem ? "unwell" : "ok");
        }
        return table;
    }

    // The fastest first, then the largest: what one looks for stands at the top.
    private static Table Draw(IReadOnlyList<V1.Volume> volumes, Growth growth)
    {
        var table = CommandOutput.NewTable("VOLUME", "POOL", "SIZE>", "USED>", "OF SIZE>", "GROWS>", "HOLDERS>", "SNAPSHOTS>", "DOOR");
        foreach (var volume in volumes.OrderByDescending(volume => growth.Of(volume.Id) ?? 0).ThenByDescending(volume => volume.Usage?.UsedBytes ?? 0).Take(MaxVolumes))
        {
            CommandOutput.AddRow(table,
                volume.Name,
                volume.Pool,
                volume.HasSizeBytes ? Sizes.Text(volume.SizeBytes) : "-",
                volume.Usage is { } usage ? Sizes.Text(usage.UsedBytes) : "-",
                volume is { Usage: { } used, HasSizeBytes: true, SizeBytes: > 0 } ? Percent(used.UsedBytes, volume.SizeBytes) : "-",
                growth.Of(volume.Id) is { } pace ? $"{(pace < 0 ? "-" : "")}{Sizes.Text((long)Math.Abs(pace))}/s" : "-",
                FormattableString.Invariant($"{volume.Holders.Count}"),
                FormattableString.Invariant($"{volume.Snapshots}"),
                volume.Door);
        }
        if (volumes.Count > MaxVolumes)
            CommandOutput.AddRow(table, FormattableString.Invariant($"and {volumes.Count - MaxVolumes} more"), "", "", "", "", "", "", "", "");
        return table;
    }

    private static string Percent(long part, long whole) => FormattableString.Invariant($"{100.0 * part / whole:0}%");

    /// <summary>How fast volumes grow, from one measurement of their usage to the next, however far those are apart.</summary>
    private sealed class Growth
    {
        private readonly Dictionary<string, (V1.Usage Usage, double? Pace)> _known = [];

        internal double? Of(string volume) => _known.TryGetValue(volume, out var known) ? known.Pace : null;

        internal void Add(IEnumerable<V1.Volume> volumes)
        {
            foreach (var volume in volumes.Where(volume => volume.Usage is not null))
            {
                var usage = volume.Usage;
                if (!_known.TryGetValue(volume.Id, out var before))
                    _known[volume.Id] = (usage, null);
                else if ((usage.MeasuredAt - before.Usage.MeasuredAt).ToTimeSpan().TotalSeconds is > 0 and var seconds)
                    _known[volume.Id] = (usage, (usage.UsedBytes - before.Usage.UsedBytes) / seconds);
            }
        }
    }
}
