using System.CommandLine;
using Lamina.Cli.Completion;
using Lamina.Cli.Output;

namespace Lamina.Cli.Commands;

/// <summary><c>lamina snapshot</c>.</summary>
internal static class SnapshotCommands
{
    /// <summary>Builds the commands.</summary>
    internal static Command Build(CliHost host, GlobalOptions globals, NameCompletion names) =>
        new("snapshot", "Snapshots of volumes")
        {
            Create(host, globals, names),
            List(host, globals, names),
            Remove(host, globals, names),
            Restore(host, globals, names),
            SnapshotTreeCommand.Build(host, globals, names),
            SnapshotGroupCommands.Build(host, globals, names),
        };

    private static Command Create(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var volume = Values.Name("VOLUME", "The volume, by name or id", names.Volumes);
        var name = new Argument<string?>("NAME")
        {
            Description = "The snapshot's name [default: the volume's with the time]",
            HelpName = "NAME",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var labels = Values.Pairs("--label", "Whatever helps people to know it; may be repeated");
        var command = new Command("create", "Cut a snapshot of a volume at one moment, in use or not, and print its name") { volume, name, labels };
        Session.SetAction(command, host, globals, async session =>
        {
            var request = new V1.CreateSnapshotRequest { Volume = session.Parse.GetRequiredValue(volume) };
            if (session.Parse.GetValue(name) is { } chosen)
                request.Name = chosen;
            request.Labels.Add(session.Parse.GetRequiredValue(labels));
            var snapshot = await session.WaitAsync($"cutting a snapshot of {request.Volume}", session.Daemon.Snapshots.CreateAsync(request, session.Call));
            session.Output.Show(snapshot, () =>
            {
                session.Output.Value(snapshot.Name);
                if (snapshot.HasPauseSeconds)
                    session.Output.Note($"The volume's writers stood still for {PauseOf(snapshot)}.");
            });
        });
        return command;
    }

    private static Command List(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var volume = new Argument<string?>("VOLUME")
        {
            Description = "Only those of this volume, which may be gone",
            HelpName = "VOLUME",
            Arity = ArgumentArity.ZeroOrOne,
        };
        volume.CompletionSources.Add(names.Volumes);
        var command = new Command("ls", "List snapshots") { volume };
        Session.SetAction(command, host, globals, async session =>
        {
            var request = new V1.ListSnapshotsRequest();
            if (session.Parse.GetValue(volume) is { } name)
                request.Volume = name;
            var snapshots = await session.CollectAsync("reading snapshots", session.Daemon.Snapshots.List(request, session.Call));
            session.Output.Show(snapshots, () =>
            {
                var table = CommandOutput.NewTable("NAME", "VOLUME", "POOL", "SIZE>", "HOLDS>", "PAUSE>", "GROUP", "MADE BY", "AGE>");
                foreach (var snapshot in snapshots)
                {
                    CommandOutput.AddRow(table,
                        snapshot.Name,
                        VolumeOf(snapshot),
                        snapshot.Pool,
                        snapshot.HasSizeBytes ? Sizes.Text(snapshot.SizeBytes) : "no limit",
                        snapshot.HasExclusiveBytes ? Sizes.Text(snapshot.ExclusiveBytes) : "-",
                        snapshot.HasPauseSeconds ? PauseOf(snapshot) : "-",
                        snapshot.HasGroup ? snapshot.Group : "-",
                        snapshot.Door,
                        Duration.Age(host.Time.GetUtcNow() - snapshot.CreatedAt.ToDateTimeOffset()));
                }
                return table;
            });
        });
        return command;
    }

    private static Command Remove(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var snapshots = Values.Names("SNAPSHOT", "Names or ids", names.Snapshots);
        var anyDoor = new Option<bool>("--any-door") { Description = "Also what Kubernetes or Docker made, and go on believing in" };
        var command = new Command("rm", "Delete snapshots; volumes made from them stay") { snapshots, anyDoor };
        Session.SetAction(command, host, globals, session => Removal.RunAsync(session, session.Parse.GetRequiredValue(snapshots), async name =>
        {
            var request = new V1.DeleteSnapshotRequest { Snapshot = name, AnyDoor = session.Parse.GetValue(anyDoor) };
            return await session.WaitAsync($"deleting {name}", session.Daemon.Snapshots.DeleteAsync(request, session.Call));
        }));
        return command;
    }

    private static Command Restore(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var snapshot = Values.Name("SNAPSHOT", "The snapshot, by name or id", names.Snapshots);
        var volume = new Argument<string?>("NEW-VOLUME") { Description = "The new volume's name", HelpName = "NEW-VOLUME", Arity = ArgumentArity.ZeroOrOne };
        var inPlace = new Option<bool>("--in-place") { Description = "No new volume: the snapshot's own goes back to it, while nobody uses it; the state before is kept as a snapshot" };
        var anyDoor = new Option<bool>("--any-door") { Description = "With --in-place: also a volume that Kubernetes made, whose pods would find it changed" };
        var size = Values.Size("--size", "Its size [default: the snapshot's]");
        var labels = Values.Pairs("--label", "Whatever helps people to know it; may be repeated");
        var command = new Command("restore", "Make a new volume with the content of a snapshot, or go back to it in place") { snapshot, volume, inPlace, anyDoor, size, labels };
        command.Validators.Add(result =>
        {
            var isInPlace = result.GetValue(inPlace);
            if (!isInPlace && result.GetValue(volume) is null)
                result.AddError("name the new volume, or say --in-place to have the snapshot's own volume go back to it");
            else if (!isInPlace && result.GetValue(anyDoor))
                result.AddError("--any-door goes with --in-place: a new volume changes nothing that another door has made");
            else if (isInPlace && (result.GetValue(volume) is not null || result.GetResult(size) is not null || result.GetResult(labels) is { Implicit: false }))
                result.AddError("--in-place changes the snapshot's own volume: there is no new one, whose name, size or labels could be said");
        });
        Session.SetAction(command, host, globals, async session =>
        {
            if (session.Parse.GetValue(inPlace))
            {
                await RestoreInPlaceAsync(session, new V1.RestoreInPlaceRequest { Snapshot = session.Parse.GetRequiredValue(snapshot), AnyDoor = session.Parse.GetValue(anyDoor) });
                return;
            }
            var request = new V1.RestoreSnapshotRequest
            {
                Snapshot = session.Parse.GetRequiredValue(snapshot),
                Volume = session.Parse.GetRequiredValue(volume),
            };
            if (session.Parse.GetValue(size) is { } bytes)
                request.SizeBytes = bytes.Bytes;
            request.Labels.Add(session.Parse.GetRequiredValue(labels));
            await VolumeCreateCommands.ShowAsync(session, $"restoring {request.Snapshot}", session.Daemon.Snapshots.RestoreAsync(request, session.Call));
        });
        return command;
    }

    private static async Task RestoreInPlaceAsync(Session session, V1.RestoreInPlaceRequest request)
    {
        var restored = await session.WaitAsync($"restoring {request.Snapshot}", session.Daemon.Snapshots.RestoreInPlaceAsync(request, session.Call));
        session.Output.Show(restored, () =>
        {
            session.Output.Value(restored.Volume.Name);
            session.Output.Note($"The state before is kept as snapshot {restored.Before.Name}.");
        });
    }

    // Of a volume that is gone only the id is known, and of that people know the part behind the pool's.
    internal static string VolumeOf(V1.Snapshot snapshot) =>
        snapshot.HasVolumeName ? snapshot.VolumeName : $"{snapshot.Volume[(snapshot.Volume.IndexOf('.', StringComparison.Ordinal) + 1)..]} (deleted)";

    private static string PauseOf(V1.Snapshot snapshot) => Duration.Span(TimeSpan.FromSeconds(snapshot.PauseSeconds));
}
