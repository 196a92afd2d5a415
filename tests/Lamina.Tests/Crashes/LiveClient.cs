using System.Globalization;
using Lamina.Testing;
using Lamina.Tests.Csi;

namespace Lamina.Tests.Crashes;

/// <summary>
/// Snapshots a volume that a process writes to all the time: 1, 2, 3, ... first into one file and then into another. So in every snapshot the
/// first is as far as the second, or one further.
/// </summary>
internal sealed class LiveClient(CrashScene scene, string name, int seed) : CrashClient(scene, name, seed)
{
    private const int MaxSnapshots = 3;

    // In place, and always of the same length: at no moment a file is shorter. Ends with its input.
    private const string Writer = """
        cd "$1"; printf %09d 0 > a; printf %09d 0 > b; echo ready; i=0
        while read -r -t 0.002; [ $? -gt 128 ]; do i=$((i + 1)); printf %09d $i 1<> a; printf %09d $i 1<> b; done
        """;

    private WorkloadProcess? _writer;
    private KeptVolume? _volume;

    /// <summary>Makes the volume and begins to write to it.</summary>
    internal async Task BeginAsync(CsiConnection connection)
    {
        var volumeName = NewName("v");
        _volume = new KeptVolume(volumeName, Scene.IdOf(volumeName)) { Size = 16 << 20, Check = path => AssertBetween(0, long.MaxValue, path) };
        foreach (var call in (Func<Call>[])[() => Make(_volume, CallKind.Create), () => Stage(_volume), () => Publish(_volume)])
        {
            var next = call();
            await next.SendAsync(connection);
            next.Answered();
        }
        _writer = await WorkloadProcess.StartProgramAsync("/bin/bash", "-c", Writer, "writer", _volume.Target!);
    }

    /// <summary>Waits until the writer has gone on: whoever stopped it has let it go, dead or not.</summary>
    internal async Task WriterGoesOnAsync()
    {
        var before = Number(_volume!.Target!, "b");
        await Eventually.TrueAsync(() => Number(_volume.Target!, "b") > before, "the writer goes on");
    }

    /// <inheritdoc/>
    internal override async Task EndAsync(CsiConnection connection)
    {
        await EndWriterAsync();
        await base.EndAsync(connection);
    }

    /// <summary>Ends the writer.</summary>
    internal async Task EndWriterAsync()
    {
        if (_writer is not { } writer)
            return;
        _writer = null;
        await writer.EndAsync();
        writer.Dispose();
    }

    /// <inheritdoc/>
    protected override Call Next(CallKind wanted)
    {
        if (Snapshots.Count >= MaxSnapshots)
            return Delete(Snapshots[0]);
        var snapshotName = NewName("s");
        // What was there before the call is in it; what came after the answer is not.
        var (from, to) = (Number(_volume!.Target!, "b"), long.MaxValue);
        var call = Snapshot(_volume, new KeptSnapshot(snapshotName, Scene.IdOf(snapshotName)) { Size = _volume.Size, Check = path => AssertBetween(from, to, path) });
        return call with
        {
            Answered = () =>
            {
                to = Number(_volume.Target!, "a");
                call.Answered();
            },
        };
    }

    private static void AssertBetween(long from, long to, string path)
    {
        // The second first: a volume that is still written to moves on meanwhile.
        var b = Number(path, "b");
        var a = Number(path, "a");
        Assert.InRange(b, from, to);
        Assert.True(to == long.MaxValue ? a >= b : a - b is 0 or 1, string.Create(CultureInfo.InvariantCulture, $"{path} has {a} and {b}"));
    }

    private static long Number(string path, string file) => long.Parse(File.ReadAllText(Path.Combine(path, file)), CultureInfo.InvariantCulture);
}
