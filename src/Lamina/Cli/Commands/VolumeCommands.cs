using System.CommandLine;
using Lamina.Cli.Completion;
using Lamina.Cli.Output;
using Spectre.Console;

namespace Lamina.Cli.Commands;

/// <summary><c>lamina volume</c>.</summary>
internal static class VolumeCommands
{
    /// <summary>Who attaches a volume when nobody is named.</summary>
    private const string DefaultReference = "cli";

    /// <summary>Builds the commands.</summary>
    internal static Command Build(CliHost host, GlobalOptions globals, NameCompletion names) =>
        new("volume", "Volumes")
        {
            VolumeCreateCommands.Create(host, globals, names),
            List(host, globals, names),
            Inspect(host, globals, names),
            Remove(host, globals, names),
            Resize(host, globals, names),
            VolumeModifyCommand.Build(host, globals, names),
            VolumeCreateCommands.Clone(host, globals, names),
            Attach(host, globals, names),
            Detach(host, globals, names),
        };

    private static Command List(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var pool = Values.Text("--pool", "Only those of this pool", "POOL", names.Pools);
        var command = new Command("ls", "List the volumes") { pool };
        Session.SetAction(command, host, globals, async session =>
        {
            var request = new V1.ListVolumesRequest();
            if (session.Parse.GetValue(pool) is { } name)
                request.Pool = name;
            var volumes = await session.CollectAsync("reading volumes", session.Daemon.Volumes.List(request, session.Call));
            session.Output.Show(volumes, () =>
            {
                var table = CommandOutput.NewTable("NAME", "POOL", "TYPE", "SIZE>", "USED>", "SNAPSHOTS>", "MADE BY", "ATTACHED", "AGE>");
                foreach (var volume in volumes)
                {
                    CommandOutput.AddRow(table,
                        volume.Name,
                        volume.Pool,
                        TypeOf(volume),
                        volume.HasSizeBytes ? Sizes.Text(volume.SizeBytes) : "no limit",
                        volume.Usage is { } usage ? Sizes.Text(usage.UsedBytes) : "-",
                        FormattableString.Invariant($"{volume.Snapshots}"),
                        volume.Door,
                        volume.HasPath ? "yes" : "-",
                        Duration.Age(host.Time.GetUtcNow() - volume.CreatedAt.ToDateTimeOffset()));
                }
                return table;
            });
        });
        return command;
    }

    private static Command Inspect(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var name = Values.Name("VOLUME", "Its name or id", names.Volumes);
        var command = new Command("inspect", "Show all that is known of a volume") { name };
        Session.SetAction(command, host, globals, async session =>
        {
            var request = new V1.InspectVolumeRequest { Volume = session.Parse.GetRequiredValue(name) };
            var volume = await session.WaitAsync("reading the volume", session.Daemon.Volumes.InspectAsync(request, session.Call));
            session.Output.Show(volume, () => session.Output.Render(Details(volume, host.Time)));
        });
        return command;
    }

    private static Command Remove(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var volumes = Values.Names("VOLUME", "Names or ids", names.Volumes);
        var anyDoor = new Option<bool>("--any-door") { Description = "Also what Kubernetes or Docker made, and go on believing in" };
        var command = new Command("rm", "Delete volumes that nobody uses; their snapshots and clones stay") { volumes, anyDoor };
        Session.SetAction(command, host, globals, session => Removal.RunAsync(session, session.Parse.GetRequiredValue(volumes), async name =>
        {
            var request = new V1.DeleteVolumeRequest { Volume = name, AnyDoor = session.Parse.GetValue(anyDoor) };
            return await session.WaitAsync($"deleting {name}", session.Daemon.Volumes.DeleteAsync(request, session.Call));
        }));
        return command;
    }

    private static Command Resize(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var name = Values.Name("VOLUME", "Its name or id", names.Volumes);
        var size = Values.SizeArgument("SIZE", "The new size, such as 20Gi; volumes do not shrink");
        var command = new Command("resize", "Make a volume larger, in use or not") { name, size };
        Session.SetAction(command, host, globals, async session =>
        {
            var request = new V1.ResizeVolumeRequest { Volume = session.Parse.GetRequiredValue(name), SizeBytes = session.Parse.GetRequiredValue(size).Bytes };
            var volume = await session.WaitAsync("resizing", session.Daemon.Volumes.ResizeAsync(request, session.Call));
            session.Output.Show(volume, () => session.Output.Value(Sizes.Text(volume.SizeBytes)));
        });
        return command;
    }

    private static Command Attach(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var name = Values.Name("VOLUME", "Its name or id", names.Volumes);
        var reference = Values.Text("--as", $"Who attaches it, a word that detach repeats [default: {DefaultReference}]", "WHO");
        var command = new Command("attach", "Mount a volume on this host, and print where") { name, reference };
        Session.SetAction(command, host, globals, async session =>
        {
            var request = new V1.AttachVolumeRequest
            {
                Volume = session.Parse.GetRequiredValue(name),
                Reference = session.Parse.GetValue(reference) ?? DefaultReference,
            };
            var answer = await session.WaitAsync("attaching", session.Daemon.Volumes.AttachAsync(request, session.Call));
            session.Output.Show(answer, () => session.Output.Value(answer.Path));
        });
        return command;
    }

    private static Command Detach(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var name = Values.Name("VOLUME", "Its name or id", names.Volumes);
        var reference = Values.Text("--as", $"Who attached it [default: {DefaultReference}]", "WHO");
        var command = new Command("detach", "Give up an attachment; the last one's end unmounts the volume") { name, reference };
        Session.SetAction(command, host, globals, async session =>
        {
            var request = new V1.DetachVolumeRequest
            {
                Volume = session.Parse.GetRequiredValue(name),
                Reference = session.Parse.GetValue(reference) ?? DefaultReference,
            };
            var volume = await session.WaitAsync("detaching", session.Daemon.Volumes.DetachAsync(request, session.Call));
            session.Output.Show(volume, () =>
            {
                session.Output.Value(volume.Name);
                if (volume.HasPath)
                    session.Output.Note($"It stays mounted for {string.Join(", ", volume.Holders.Select(HolderText))}.");
            });
        });
        return command;
    }

    private static Table Details(V1.Volume volume, TimeProvider time) => CommandOutput.Details(
    [
        ("name", volume.Name),
        ("id", volume.Id),
        ("pool", volume.Pool),
        ("kind", volume.Kind),
        ("filesystem", volume.HasFileSystem ? volume.FileSystem : null),
        ("size", volume.HasSizeBytes ? Sizes.Text(volume.SizeBytes) : "no limit"),
        ("used", volume.Usage is { } usage
            ? $"{Sizes.Text(usage.UsedBytes)}, {Duration.Age(time.GetUtcNow() - usage.MeasuredAt.ToDateTimeOffset())} ago"
            : "not known yet"),
        ("without compression", volume.Usage is { HasUncompressedBytes: true } plain ? Sizes.Text(plain.UncompressedBytes) : null),
        ("in snapshots only", volume.Usage is { HasSnapshotsBytes: true } held ? Sizes.Text(held.SnapshotsBytes) : null),
        ("since the last one", volume.Usage is { HasWrittenBytes: true } written ? Sizes.Text(written.WrittenBytes) : null),
        ("inodes", volume.Usage is { HasInodes: true } counted ? FormattableString.Invariant($"{counted.Inodes}") : null),
        ("from", volume.Source is not { } source ? null : source.HasSnapshot ? $"snapshot {source.Snapshot}" : $"volume {source.Volume}"),
        ("snapshots", FormattableString.Invariant($"{volume.Snapshots}")),
        ("made by", volume.Door),
        ("made at", Times.Text(volume.CreatedAt)),
        ("mounted at", volume.HasPath ? volume.Path : "not attached"),
        .. volume.Holders.Select(holder => ("held by", (string?)$"{HolderText(holder)}, since {Times.Text(holder.Since)}")),
        .. volume.Operations.Select(operation => ("going on", (string?)OperationText(operation, time))),
        .. volume.Parameters.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => ("parameter", (string?)$"{pair.Key}={pair.Value}")),
        .. volume.Attributes.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => ("attribute", (string?)$"{pair.Key}={pair.Value}")),
        .. volume.Labels.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => ("label", (string?)$"{pair.Key}={pair.Value}")),
    ]);

    private static string OperationText(V1.Operation operation, TimeProvider time) =>
        $"{operation.What}, since {Duration.Age(time.GetUtcNow() - operation.Since.ToDateTimeOffset())}"
        + (operation.HasTotalBytes ? $", {Sizes.Text(operation.DoneBytes)} of {Sizes.Text(operation.TotalBytes)} copied" : "");

    private static string TypeOf(V1.Volume volume) => volume.HasFileSystem ? volume.FileSystem : volume.Kind == "block" ? volume.Kind : "directory";

    private static string HolderText(V1.Holder holder) => $"{holder.Door} {holder.Kind} '{holder.Reference}'{(holder.ReadOnly ? " (read-only)" : "")}";
}
