using System.CommandLine;
using Lamina.Cli.Completion;

namespace Lamina.Cli.Commands;

/// <summary><c>lamina volume create</c> and <c>clone</c>.</summary>
internal static class VolumeCreateCommands
{
    /// <summary>Builds <c>create</c>.</summary>
    internal static Command Create(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var name = Values.Name("NAME", "The new volume's name");
        var size = Values.Size("--size", "Its size, such as 10Gi [default: the source's, else the pool's]");
        var pool = Values.Text("--pool", "The pool [default: the source's, else the default pool]", "POOL", names.Pools);
        var from = Values.Text("--from", "Begin with the content of this snapshot", "SNAPSHOT", names.Snapshots);
        var clone = Values.Text("--clone", "Begin with the content of this volume, as it is now", "VOLUME", names.Volumes);
        var kind = Values.Text("--kind", "filesystem, or block for a raw device [default: the source's, else filesystem]", "KIND", _ => ["filesystem", "block"]);
        var fileSystem = Values.Text("--fs", "A filesystem of its own, with a hard limit: ext4, xfs or btrfs [default: the source's, else the pool's]", "TYPE", _ => ["ext4", "xfs", "btrfs"]);
        var parameters = Values.Pairs("--param", "uid, gid, mode of the root directory; compression (btrfs, zfs), copyOnWrite (btrfs), recordsize, volblocksize, atime, logbias, reserve (zfs); source (a host directory); may be repeated");
        var labels = Values.Pairs("--label", "Whatever helps people to know it; may be repeated");
        var command = new Command("create", "Make a volume; one of that name that is as asked for is fine") { name, size, pool, from, clone, kind, fileSystem, parameters, labels };
        command.Validators.Add(result =>
        {
            if (result.GetResult(from) is not null && result.GetResult(clone) is not null)
                result.AddError("a volume begins with a snapshot (--from) or with a volume (--clone), not with both");
        });
        Session.SetAction(command, host, globals, async session =>
        {
            var parse = session.Parse;
            var request = new V1.CreateVolumeRequest { Name = parse.GetRequiredValue(name) };
            if (parse.GetValue(size) is { } bytes)
                request.SizeBytes = bytes.Bytes;
            if (parse.GetValue(pool) is { } chosen)
                request.Pool = chosen;
            if (parse.GetValue(from) is { } snapshot)
                request.Snapshot = snapshot;
            if (parse.GetValue(clone) is { } volume)
                request.Volume = volume;
            if (parse.GetValue(kind) is { } wanted)
                request.Kind = wanted;
            if (parse.GetValue(fileSystem) is { } type)
                request.FileSystem = type;
            request.Parameters.Add(parse.GetRequiredValue(parameters));
            request.Labels.Add(parse.GetRequiredValue(labels));
            await ShowAsync(session, $"making volume {request.Name}", session.Daemon.Volumes.CreateAsync(request, session.Call));
        });
        return command;
    }

    /// <summary>Builds <c>clone</c>.</summary>
    internal static Command Clone(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var source = Values.Name("VOLUME", "The volume to clone, by name or id", names.Volumes);
        var name = Values.Name("NEW-VOLUME", "The new volume's name");
        var size = Values.Size("--size", "Its size [default: the source's]");
        var labels = Values.Pairs("--label", "Whatever helps people to know it; may be repeated");
        var command = new Command("clone", "Make a volume with the content of another one, as it is now") { source, name, size, labels };
        Session.SetAction(command, host, globals, async session =>
        {
            var request = new V1.CreateVolumeRequest { Name = session.Parse.GetRequiredValue(name), Volume = session.Parse.GetRequiredValue(source) };
            if (session.Parse.GetValue(size) is { } bytes)
                request.SizeBytes = bytes.Bytes;
            request.Labels.Add(session.Parse.GetRequiredValue(labels));
            await ShowAsync(session, $"cloning volume {request.Volume}", session.Daemon.Volumes.CreateAsync(request, session.Call));
        });
        return command;
    }

    /// <summary>Waits for a new volume and shows it.</summary>
    internal static async Task ShowAsync(Session session, string what, Grpc.Core.AsyncUnaryCall<V1.Volume> call)
    {
        var volume = await session.WaitAsync(what, call);
        session.Output.Show(volume, () => session.Output.Value(volume.Name));
    }
}
