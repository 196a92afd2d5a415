using Lamina.Linux.Interop;

namespace Lamina.Linux;

/// <summary>The wall clock as the kernel reads it, to be compared with the times of files. See clock_gettime(2).</summary>
public static unsafe class KernelClock
{
    /// <summary>The time now.</summary>
    public static Timestamp Now => Read(LibC.CLOCK_REALTIME);

    /// <summary>
    /// The clock that times of files are taken from: it moves once per tick, some milliseconds, and lags behind <see cref="Now"/> by up to
    /// that, or longer while the machine itself is held. Since 6.13 a file's time can be ahead of it.
    /// </summary>
    public static Timestamp FileTime => Read(LibC.CLOCK_REALTIME_COARSE);

    private static Timestamp Read(int clock)
    {
        LibC.TimeSpec time;
        return LibC.clock_gettime(clock, &time) == 0
            ? new Timestamp(time.Seconds, (uint)time.Nanoseconds)
            : throw LinuxException.Last("clock_gettime");
    }
}
