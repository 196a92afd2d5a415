using System.CommandLine;
using Lamina.Cli.Completion;
using Lamina.Cli.Output;

namespace Lamina.Cli.Commands;

/// <summary><c>lamina snapshot group</c>: snapshots of several volumes at one moment.</summary>
internal static class SnapshotGroupCommands
{
    /// <summary>Builds the commands.</summary>
    internal static Command Build(CliHost host, GlobalOptions globals, NameCompletion names) =>
        new("group", "Snapshots of several volumes at one moment")
        {
            Create(host, globals, names),
            List(host, globals),
            Inspect(host, globals, names),
            Remove(host, globals, names),
        };

    private static Command Create(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var name = Values.Name("NAME", "The group's name; its snapshots are named NAME/VOLUME");
        var volumes = Values.Names("VOLUME", "The volumes, by name or id, in whatever pools", names.Volumes);
        var labels = Values.Pairs("--label", "Whatever helps people to know it; may be repeated");
        var command = new Command("create", "Cut a snapshot of each volume at one moment, all or none, in use or not, and print their names") { name, volumes, labels };
        Session.SetAction(command, host, globals, async session =>
        {
            var request = new V1.CreateSnapshotGroupRequest { Name = session.Parse.GetRequiredValue(name), Volumes = { session.Parse.GetRequiredValue(volumes) } };
            request.Labels.Add(session.Parse.GetRequiredValue(labels));
            var group = await session.WaitAsync($"cutting {request.Volumes.Count} volumes", session.Daemon.SnapshotGroups.CreateAsync(request, session.Call));
            session.Output.Show(group, () =>
            {
                foreach (var snapshot in group.Snapshots)
                    session.Output.Value(snapshot.Name);
                if (group.HasPauseSeconds)
                    session.Output.Note($"The volumes' writers stood still for {PauseOf(group)}.");
            });
        });
        return command;
    }

    private static Command List(CliHost host, GlobalOptions globals)
    {
        var command = new Command("ls", "List groups of snapshots");
        Session.SetAction(command, host, globals, async session =>
        {
            var groups = await session.CollectAsync("reading groups", session.Daemon.SnapshotGroups.List(new V1.ListSnapshotGroupsRequest(), session.Call));
            session.Output.Show(groups, () =>
            {
                var table = CommandOutput.NewTable("NAME", "SNAPSHOTS>", "PAUSE>", "MADE BY", "AGE>", "VOLUMES");
                foreach (var group in groups)
                {
                    CommandOutput.AddRow(table,
                        group.Name,
                        CountOf(group),
                        PauseOf(group),
                        group.Door,
                        Duration.Age(host.Time.GetUtcNow() - group.CreatedAt.ToDateTimeOffset()),
                        string.Join(", ", group.Snapshots.Select(SnapshotCommands.VolumeOf)));
                }
                return table;
            });
        });
        return command;
    }

    private static Command Inspect(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var name = Values.Name("GROUP", "Its name or id", names.SnapshotGroups);
        var command = new Command("inspect", "Show all that is known of a group of snapshots") { name };
        Session.SetAction(command, host, globals, async session =>
        {
            var request = new V1.InspectSnapshotGroupRequest { Group = session.Parse.GetRequiredValue(name) };
            var group = await session.WaitAsync("reading the group", session.Daemon.SnapshotGroups.InspectAsync(request, session.Call));
            session.Output.Show(group, () => session.Output.Render(CommandOutput.Details(Details(group))));
        });
        return command;
    }

    private static Command Remove(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var groups = Values.Names("GROUP", "Names or ids", names.SnapshotGroups);
        var anyDoor = new Option<bool>("--any-door") { Description = "Also what Kubernetes made, and goes on believing in" };
        var command = new Command("rm", "Delete groups with all their snapshots; volumes made from them stay") { groups, anyDoor };
        Session.SetAction(command, host, globals, session => Removal.RunAsync(session, session.Parse.GetRequiredValue(groups), async name =>
        {
            var request = new V1.DeleteSnapshotGroupRequest { Group = name, AnyDoor = session.Parse.GetValue(anyDoor) };
            return await session.WaitAsync($"deleting {name}", session.Daemon.SnapshotGroups.DeleteAsync(request, session.Call));
        }));
        return command;
    }

    private static IEnumerable<(string Name, string? Value)> Details(V1.SnapshotGroup group)
    {
        yield return ("name", group.Name);
        yield return ("id", group.Id);
        yield return ("made by", group.Door);
        yield return ("cut at", Times.Text(group.CreatedAt));
        yield return ("pause", PauseOf(group));
        yield return ("snapshots", CountOf(group));
        foreach (var snapshot in group.Snapshots)
            yield return ("", $"{snapshot.Name}  of {SnapshotCommands.VolumeOf(snapshot)}, in pool {snapshot.Pool}: {snapshot.Id}");
        foreach (var (key, value) in group.Labels)
            yield return ("label", $"{key}={value}");
    }

    // Fewer where a pool is not loaded, and where a crash or a copy that was brought back left the group incomplete.
    private static string CountOf(V1.SnapshotGroup group) =>
        group.Snapshots.Count == group.Volumes.Count ? $"{group.Snapshots.Count}" : $"{group.Snapshots.Count} of {group.Volumes.Count}";

    private static string PauseOf(V1.SnapshotGroup group) => group.HasPauseSeconds ? Duration.Span(TimeSpan.FromSeconds(group.PauseSeconds)) : "-";
}
