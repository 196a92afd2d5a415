using System.CommandLine;
using Lamina.Cli.Completion;
using Lamina.Cli.Output;
using Lamina.Storage;
using Spectre.Console;

namespace Lamina.Cli.Commands;

/// <summary><c>lamina pool</c>.</summary>
internal static class PoolCommands
{
    /// <summary>Builds the commands.</summary>
    internal static Command Build(CliHost host, GlobalOptions globals, NameCompletion names) =>
        new("pool", "Places for volumes on this host")
        {
            List(host, globals),
            Inspect(host, globals, names),
            PoolInitCommand.Build(host, globals, names),
            Forget(host, globals),
        };

    /// <summary>Everything that is known of a pool, for people.</summary>
    internal static Table Details(V1.Pool pool) => CommandOutput.Details(
    [
        ("name", pool.Name),
        ("id", pool.HasId ? pool.Id : null),
        ("state", StateOf(pool)),
        ("default", pool.Default ? "yes" : "no"),
        ("backend", pool.Backend),
        ("filesystem", pool.HasFileSystem ? pool.FileSystem : null),
        ("path", pool.Path),
        ("image", pool.HasImage ? pool.Image : null),
        ("size", pool.HasSizeBytes ? Sizes.Text(pool.SizeBytes) : null),
        ("available", pool.HasAvailableBytes ? Sizes.Text(pool.AvailableBytes) : null),
        ("promised", pool.HasPromisedBytes ? Sizes.Text(pool.PromisedBytes) : null),
        ("fragmentation", pool.HasFragmentationPercent ? FormattableString.Invariant($"{pool.FragmentationPercent}%") : null),
        ("device errors", pool.HasDeviceErrors ? FormattableString.Invariant($"{pool.DeviceErrors}") : null),
        ("volumes", pool.HasVolumes ? FormattableString.Invariant($"{pool.Volumes}") : null),
        ("snapshots", pool.HasSnapshots ? FormattableString.Invariant($"{pool.Snapshots}") : null),
        ("limits", pool.HasLimits ? pool.Limits : null),
        ("default size", pool.HasDefaultSizeBytes ? Sizes.Text(pool.DefaultSizeBytes) : "no limit"),
        ("min free", Sizes.Text(pool.MinFreeBytes)),
        ("overcommit", pool.HasOvercommit ? FormattableString.Invariant($"{pool.Overcommit}") : "any"),
        ("live snapshot", pool.LiveSnapshot == "pause" ? $"pause, at most {Duration.Span(TimeSpan.FromSeconds(pool.MaxPauseSeconds))}" : pool.LiveSnapshot),
        ("features", pool.Features.Count > 0 ? string.Join(", ", pool.Features) : null),
        .. pool.Warnings.Select(warning => ("warning", (string?)warning)),
        .. pool.Unreadable.Select(record => ("unreadable", (string?)$"{record.Path}: {record.Reason}")),
    ]);

    private static Command List(CliHost host, GlobalOptions globals)
    {
        var command = new Command("ls", "List the pools");
        Session.SetAction(command, host, globals, async session =>
        {
            var pools = await session.CollectAsync("reading pools", session.Daemon.Pools.List(new V1.ListPoolsRequest(), session.Call));
            session.Output.Show(pools, () =>
            {
                var table = CommandOutput.NewTable(
                    "NAME", "ID", "BACKEND", "FILESYSTEM", "PATH", "SIZE>", "AVAILABLE>", "PROMISED>", "VOLUMES>", "LIMITS", "DEFAULT", "STATE");
                foreach (var pool in pools)
                {
                    CommandOutput.AddRow(table,
                        pool.Name,
                        pool.HasId ? pool.Id : "-",
                        pool.Backend,
                        pool.HasFileSystem ? pool.FileSystem : "-",
                        pool.Path,
                        pool.HasSizeBytes ? Sizes.Text(pool.SizeBytes) : "-",
                        pool.HasAvailableBytes ? Sizes.Text(pool.AvailableBytes) : "-",
                        pool.HasPromisedBytes ? Sizes.Text(pool.PromisedBytes) : "-",
                        pool.HasVolumes ? FormattableString.Invariant($"{pool.Volumes}") : "-",
                        pool.HasLimits ? pool.Limits : "-",
                        pool.Default ? "yes" : "-",
                        StateOf(pool));
                }
                return table;
            });
        });
        return command;
    }

    private static Command Inspect(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var name = Values.Name("POOL", "Its name or id", names.Pools);
        var command = new Command("inspect", "Show all that is known of a pool") { name };
        Session.SetAction(command, host, globals, async session =>
        {
            var request = new V1.InspectPoolRequest { Pool = session.Parse.GetRequiredValue(name) };
            var pool = await session.WaitAsync("reading the pool", session.Daemon.Pools.InspectAsync(request, session.Call));
            session.Output.Show(pool, () => session.Output.Render(Details(pool)));
        });
        return command;
    }

    private static Command Forget(CliHost host, GlobalOptions globals)
    {
        var id = Values.Name("ID", "The pool's id: the first part of the ids of its volumes");
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask" };
        var command = new Command("forget", "Declare a pool that is not there any more gone for good, so that deletes of its volumes end") { id, yes };
        Session.SetAction(command, host, globals, async session =>
        {
            var request = new V1.ForgetPoolRequest { Id = session.Parse.GetRequiredValue(id) };
            IStorageValue<PoolId>.Parse(request.Id);
            if (!session.Parse.GetValue(yes))
                session.Confirm($"From now on every volume and snapshot of pool {request.Id} is unknown, also if its disk comes back later. Forget it?");
            var answer = await session.WaitAsync("forgetting", session.Daemon.Pools.ForgetAsync(request, session.Call));
            session.Output.Show(answer, () => session.Output.Value(request.Id));
        });
        return command;
    }

    private static string StateOf(V1.Pool pool) =>
        !pool.Loaded ? $"not loaded: {pool.Problem}"
        : pool.HasProblem ? $"loaded, unwell: {pool.Problem}"
        : pool.Unreadable.Count > 0 ? FormattableString.Invariant($"loaded, {pool.Unreadable.Count} records unreadable")
        : "loaded";
}
