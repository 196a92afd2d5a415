using System.CommandLine;
using Lamina.Cli.Completion;
using Lamina.Storage;

namespace Lamina.Cli.Commands;

/// <summary><c>lamina pool init</c>.</summary>
internal static class PoolInitCommand
{
    /// <summary>Builds the command.</summary>
    internal static Command Build(CliHost host, GlobalOptions globals, NameCompletion names)
    {
        var name = Values.Name("NAME", "The pool's name: lower-case letters, digits and '-'", names.Pools);
        var backend = new Option<string?>("--backend") { Description = "overlay2 (any filesystem), btrfs or zfs", HelpName = "overlay2|btrfs|zfs" };
        backend.AcceptOnlyFromAmong("overlay2", "btrfs", "zfs");
        var path = Values.Text("--path", "The directory: empty, or not there yet", "DIRECTORY");
        var dataset = Values.Text("--dataset", "zfs: the dataset, such as tank/lamina: not there yet, or with nothing beneath it", "DATASET");
        var image = Values.Text("--image", "btrfs: make a loop image in this file, and mount it at the path", "FILE");
        var imageSize = Values.Size("--image-size", "How large the image is; it takes from its disk only what is written");
        var isDefault = new Option<bool>("--default") { Description = "Volumes go here when nobody says where" };
        var defaultSize = Values.Size("--default-size", "The size of a volume when none is asked for [default: no limit]");
        var minFree = Values.Size("--min-free", "Refuse creates while less than this is available [default: 0]");
        var maxPause = Values.Duration("--max-pause", "overlay2: how long the writers of a volume in use may be stopped for a snapshot [default: 2s]");
        var command = new Command("init",
            "Make a pool and serve it, now and after a restart. A pool that is configured but missing is made by its name alone. Nothing that exists is overwritten")
        {
            name, backend, path, dataset, image, imageSize, isDefault, defaultSize, minFree, maxPause,
        };
        Session.SetAction(command, host, globals, async session =>
        {
            var parse = session.Parse;
            var request = new V1.InitPoolRequest
            {
                Name = parse.GetRequiredValue(name),
                Backend = parse.GetValue(backend) ?? "",
                Path = Absolute(parse.GetValue(path)) ?? "",
                Default = parse.GetValue(isDefault),
            };
            IStorageValue<PoolName>.Parse(request.Name);
            if (parse.GetValue(dataset) is { } place)
                request.Dataset = place;
            if (Absolute(parse.GetValue(image)) is { } file)
                request.Image = file;
            if (parse.GetValue(imageSize) is { } bytes)
                request.ImageSizeBytes = bytes.Bytes;
            if (parse.GetValue(defaultSize) is { } size)
                request.DefaultSizeBytes = size.Bytes;
            if (parse.GetValue(minFree) is { } free)
                request.MinFreeBytes = free.Bytes;
            if (parse.GetValue(maxPause) is { } pause)
                request.MaxPauseSeconds = pause.TotalSeconds;
            var pool = await session.WaitAsync($"making pool {request.Name}", session.Daemon.Pools.InitAsync(request, session.Call));
            session.Output.Show(pool, () => session.Output.Render(PoolCommands.Details(pool)));
        });
        return command;
    }

    // The daemon has another working directory than whoever typed the path.
    private static string? Absolute(string? path) => path is { Length: > 0 } ? Path.GetFullPath(path) : null;
}
