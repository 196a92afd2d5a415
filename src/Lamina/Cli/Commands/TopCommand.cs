using System.CommandLine;
using Grpc.Core;
using Lamina.Cli.Output;
using Spectre.Console;

namespace Lamina.Cli.Commands;

/// <summary><c>lamina top</c>: pools and volumes as they change, for whoever has no dashboard.</summary>
internal static class TopCommand
{
    private const string Home = "\e[H\e[J";
    private const int MaxVolumes = 25;
    private const int MaxCalls = 15;

    /// <summary>Builds the command.</summary>
    internal static Command Build(CliHost host, GlobalOptions globals)
    {
        var interval = new Option<string>("--interval", "-i") { Description = "How often to look: " + Duration.Grammar, DefaultValueFactory = _ => "2s" };
        var count = new Option<int?>("--count", "-n") { Description = "End after so many looks; by itself on a terminal never, and elsewhere after one" };
        var command = new Command("top", "Show pools, volumes and calls as they change: what is used, how fast it grows, what is read and written, what is called how often. Ctrl-C ends it") { interval, count };
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
        var paces = new TopPaces();
        for (var look = 1; ; look++)
        {
            await LookAsync(session, host, paces);
            if (look >= looks)
                return;
            await Task.Delay(pause, host.Time, session.Call.CancellationToken);
        }
    }

    private static async Task LookAsync(Session session, CliHost host, TopPaces paces)
    {
        var look = new TopLook(
            host.Time.GetUtcNow(),
            await session.CollectAsync("reading pools", session.Daemon.Pools.List(new V1.ListPoolsRequest(), session.Call)),
            await session.CollectAsync("reading volumes", session.Daemon.Volumes.List(new V1.ListVolumesRequest(), session.Call)),
            await CallsAsync(session));
        paces.Add(look);
        if (session.Output.IsJson)
        {
            session.Output.Show(look.Volumes, () => new Table());
            return;
        }
        if (host.OutIsTerminal)
            host.Out.Write(Home);
        session.Output.Render(DrawPools(look.Pools, paces));
        host.Out.WriteLine();
        session.Output.Render(DrawVolumes(look.Volumes, paces));
        if (look.Calls is { } calls)
        {
            host.Out.WriteLine();
            session.Output.Render(DrawCalls(calls, paces));
            if (calls.Operations.Count > 0)
            {
                host.Out.WriteLine();
                session.Output.Render(DrawOperations(calls.Operations, look.At));
            }
        }
        host.Out.Flush();
    }

    // A daemon of an older version does not count them.
    private static async Task<V1.GetCallsResponse?> CallsAsync(Session session)
    {
        try
        {
            return await session.WaitAsync("reading calls", session.Daemon.Calls.GetAsync(new V1.GetCallsRequest(), session.Call));
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unimplemented)
        {
            return null;
        }
    }

    private static Table DrawPools(IReadOnlyList<V1.Pool> pools, TopPaces paces)
    {
        var table = CommandOutput.NewTable(
            "POOL", "BACKEND", "SIZE>", "AVAILABLE>", "USED>", "GROWS>", "FULL IN>", "DISK READS>", "DISK WRITES>", "BUSY>", "PROMISED>", "VOLUMES>", "SNAPSHOTS>", "LIMITS", "STATE");
        foreach (var pool in pools)
        {
            var (growth, use) = (paces.GrowthOf(pool), paces.UseOf(pool));
            CommandOutput.AddRow(table,
                pool.Name,
                pool.Backend,
                pool.HasSizeBytes ? Sizes.Text(pool.SizeBytes) : "-",
                pool.HasAvailableBytes ? Sizes.Text(pool.AvailableBytes) : "-",
                pool is { HasSizeBytes: true, HasAvailableBytes: true, SizeBytes: > 0 } ? Percent(pool.SizeBytes - pool.AvailableBytes, pool.SizeBytes) : "-",
                PaceText(growth),
                growth > 0 && pool.AvailableBytes / growth < TimeSpan.MaxValue.TotalSeconds ? Rough(TimeSpan.FromSeconds(pool.AvailableBytes / growth.Value)) : "-",
                PaceText(use?.Read),
                PaceText(use?.Written),
                use is { Busy: var busy } ? FormattableString.Invariant($"{100 * busy:0}%") : "-",
                pool.HasPromisedBytes ? Sizes.Text(pool.PromisedBytes) : "-",
                pool.HasVolumes ? FormattableString.Invariant($"{pool.Volumes}") : "-",
                pool.HasSnapshots ? FormattableString.Invariant($"{pool.Snapshots}") : "-",
                pool.HasLimits ? pool.Limits : "-",
                !pool.Loaded ? "not loaded" : pool.HasProblem ? "unwell" : "ok");
        }
        return table;
    }

    // The fastest first, then the largest: what one looks for stands at the top.
    private static Table DrawVolumes(IReadOnlyList<V1.Volume> volumes, TopPaces paces)
    {
        var table = CommandOutput.NewTable("VOLUME", "POOL", "SIZE>", "USED>", "OF SIZE>", "GROWS>", "READS>", "WRITES>", "BUSY>", "HOLDERS>", "SNAPSHOTS>", "DOOR");
        var ordered = volumes.OrderByDescending(volume => Math.Max(paces.GrowthOf(volume) ?? 0, paces.UseOf(volume) is { } use ? use.Read + use.Written : 0)).ThenByDescending(volume => volume.Usage?.UsedBytes ?? 0);
        foreach (var volume in ordered.Take(MaxVolumes))
        {
            var use = paces.UseOf(volume);
            CommandOutput.AddRow(table,
                volume.Name,
                volume.Pool,
                volume.HasSizeBytes ? Sizes.Text(volume.SizeBytes) : "-",
                volume.Usage is { } usage ? Sizes.Text(usage.UsedBytes) : "-",
                volume is { Usage: { } used, HasSizeBytes: true, SizeBytes: > 0 } ? Percent(used.UsedBytes, volume.SizeBytes) : "-",
                PaceText(paces.GrowthOf(volume)),
                PaceText(use?.Read),
                PaceText(use?.Written),
                use is { Busy: var busy } ? FormattableString.Invariant($"{100 * busy:0}%") : "-",
                FormattableString.Invariant($"{volume.Holders.Count}"),
                FormattableString.Invariant($"{volume.Snapshots}"),
                volume.Door);
        }
        if (volumes.Count > MaxVolumes)
            CommandOutput.AddRow(table, FormattableString.Invariant($"and {volumes.Count - MaxVolumes} more"), "", "", "", "", "", "", "", "", "", "", "");
        return table;
    }

    // What goes on now first, then what was called most. That top itself asks is of no interest.
    private static Table DrawCalls(V1.GetCallsResponse calls, TopPaces paces)
    {
        var table = CommandOutput.NewTable("DOOR", "METHOD", "RESULT", "CALLS>", "PER SECOND>", "TAKES>", "MEAN>");
        var ordered = calls.Counts.Where(count => count is not { Door: "cli", Method: "Pools/List" or "Volumes/List" or "Calls/Get" })
            .OrderByDescending(count => paces.RateOf(count)?.Rate ?? 0).ThenByDescending(count => count.Count);
        foreach (var count in ordered.Take(MaxCalls))
        {
            var rate = paces.RateOf(count);
            CommandOutput.AddRow(table,
                count.Door,
                count.Method,
                count.Outcome,
                FormattableString.Invariant($"{count.Count}"),
                rate is { } now ? FormattableString.Invariant($"{now.Rate:0.#}") : "-",
                rate?.Mean is { } takes ? FormattableString.Invariant($"{takes.TotalMilliseconds:0.#} ms") : "-",
                count.Count > 0 ? FormattableString.Invariant($"{1000 * count.Seconds / count.Count:0.#} ms") : "-");
        }
        return table;
    }

    private static Table DrawOperations(IEnumerable<V1.Operation> operations, DateTimeOffset now)
    {
        var table = CommandOutput.NewTable("UNDER WAY", "FOR>", "COPIED>");
        foreach (var operation in operations.Take(MaxCalls))
        {
            var since = now - operation.Since.ToDateTimeOffset();
            CommandOutput.AddRow(table, operation.What, Rough(since > TimeSpan.Zero ? since : TimeSpan.Zero), operation is { HasDoneBytes: true, TotalBytes: > 0 } ? Percent(operation.DoneBytes, operation.TotalBytes) : "-");
        }
        return table;
    }

    private static string PaceText(double? pace) => pace is { } bytes ? $"{(bytes < 0 ? "-" : "")}{Sizes.Text((long)Math.Abs(bytes))}/s" : "-";

    private static string Rough(TimeSpan time) => time switch
    {
        { TotalDays: >= 2 } => FormattableString.Invariant($"{Math.Floor(time.TotalDays):0}d"),
        { TotalHours: >= 2 } => FormattableString.Invariant($"{Math.Floor(time.TotalHours):0}h"),
        { TotalMinutes: >= 2 } => FormattableString.Invariant($"{Math.Floor(time.TotalMinutes):0}m"),
        _ => FormattableString.Invariant($"{Math.Floor(time.TotalSeconds):0}s"),
    };

    private static string Percent(long part, long whole) => FormattableString.Invariant($"{100.0 * part / whole:0}%");
}
