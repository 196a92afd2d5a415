using System.Runtime.InteropServices;
using Lamina.Linux;

namespace Lamina.Storage.Pauses;

/// <summary>
/// The small process beside the daemon that lets the writers of a volume go on when the daemon dies while they are stopped. It sleeps in one
/// read until then.
/// </summary>
public static class PauseWatcher
{
    // Its files are closed some moments before a dying process is gone.
    private static readonly TimeSpan s_dying = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(20);

    /// <summary>Waits for the end of the lifeline, then releases every pause of a daemon that is dead.</summary>
    /// <param name="runtimeDirectory">The daemon's runtime directory, where its markers are.</param>
    /// <param name="lifeline">What ends when the daemon does: the read end of a pipe whose other end only the daemon has.</param>
    /// <returns>
    /// The exit code: 0 when no pause is left, also because the directory was removed, 1 when one is that can't be judged or whose daemon lives.
    /// </returns>
    public static int Run(string runtimeDirectory, Stream lifeline)
    {
        // Whoever ends the daemon by its terminal, its process group or its unit means us too: but we are needed until after its end.
        ProcessSession.Leave();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => signal.Cancel = true);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal => signal.Cancel = true);

        Span<byte> buffer = stackalloc byte[16];
        while (lifeline.Read(buffer) > 0)
        {
            // Nobody writes there, but a byte would not be the end.
        }

        try
        {
            return ReleaseAll(PauseMarkerStore.Of(runtimeDirectory));
        }
        catch (LinuxException e) when (e.Errno == Errno.ENOENT)
        {
            // Whoever removed it has ended the daemon on purpose, or knows less than a crash report would tell him.
            Console.Error.WriteLine($"lamina: {runtimeDirectory} was removed, and with it whatever told of stopped writers: none is let go on");
            return 0;
        }
    }

    private static int ReleaseAll(PauseMarkerStore store)
    {
        for (var waited = TimeSpan.Zero; ; waited += s_interval)
        {
            if (PauseRelease.OfTheDead(store) is [])
                return 0;
            if (waited > s_dying)
                return 1;
            Thread.Sleep(s_interval);
        }
    }
}
