using System.Globalization;
using Lamina.Storage.Pools;
using Lamina.Workload;

// Each says "ready" when it is at work, and ends with its standard input: with the test that started it.
return args switch
{
    ["numbers", var directory] => Work.UntilInputEnds(new NumberWriter(directory).Run),
    ["numbers-across", .. var directories] => Work.UntilInputEnds(new NumbersAcross(directories).Run),
    ["glimpse-across", .. var directories] => Work.UntilInputEnds(new NumbersAcross(directories).Glimpse),
    ["groups", var runtimeDirectory, .. var pools] => await GroupMaker.RunAsync(runtimeDirectory, pools),
    ["commits", var directory] => Work.UntilInputEnds(new CommitWriter(directory).Run),
    ["count", var file] => Work.UntilInputEnds(new Counter(file).Run),
    ["mutate", var directory, var seed] => Work.UntilInputEnds(new TreeMutator(directory, int.Parse(seed, CultureInfo.InvariantCulture)).Run),
    ["hold", var file] => Work.UntilInputEnds(stopping => Holding.Open(file, stopping)),
    ["sit", var directory] => Work.UntilInputEnds(stopping => Holding.Sit(directory, stopping)),
    ["glimpse", var file] => Work.UntilInputEnds(stopping => Holding.Glimpse(file, stopping)),
    ["vfork", var file, var fifo] => VforkParent.Run(file, fifo),
    ["stop", var runtimeDirectory, var mountPoint] => Daemon.Stop(runtimeDirectory, mountPoint),
    ["freeze", var runtimeDirectory, var mountPoint] => Daemon.Freeze(runtimeDirectory, mountPoint),
    ["cut", var runtimeDirectory, var mountPoint, var upper, var target] => await Daemon.CutAsync(runtimeDirectory, mountPoint, upper, target),
    ["operate", var backend, var pool, var runtimeDirectory, var place] =>
        await Operations.RunAsync(Enum.Parse<PoolBackend>(backend), pool, runtimeDirectory, place),
    ["start-process"] => await Operations.StartProcessAsync(),
    ["watch-pauses", var runtimeDirectory] => Lamina.Storage.Pauses.PauseWatcher.Run(runtimeDirectory, Console.OpenStandardInput()),
    _ => throw new ArgumentException($"no such workload: {string.Join(' ', args)}"),
};
