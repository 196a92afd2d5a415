namespace Lamina.Linux;

/// <summary>A file's time as the kernel keeps it.</summary>
/// <param name="Seconds">Seconds since 1970-01-01 00:00 UTC; negative before.</param>
/// <param name="Nanoseconds">0 to 999,999,999, always forward from <paramref name="Seconds"/>.</param>
public readonly record struct Timestamp(long Seconds, uint Nanoseconds) : IComparable<Timestamp>
{
    /// <inheritdoc/>
    public int CompareTo(Timestamp other) =>
        Seconds != other.Seconds ? Seconds.CompareTo(other.Seconds) : Nanoseconds.CompareTo(other.Nanoseconds);

    /// <summary>The time so much later.</summary>
    public Timestamp Plus(TimeSpan duration)
    {
        var nanoseconds = Nanoseconds + duration.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick;
        var carry = Math.DivRem(nanoseconds, 1_000_000_000, out var rest);
        return rest >= 0
            ? new Timestamp(Seconds + duration.Ticks / TimeSpan.TicksPerSecond + carry, (uint)rest)
            : new Timestamp(Seconds + duration.Ticks / TimeSpan.TicksPerSecond + carry - 1, (uint)(rest + 1_000_000_000));
    }

    /// <summary>Whether <paramref name="left"/> is earlier.</summary>
    public static bool operator <(Timestamp left, Timestamp right) => left.CompareTo(right) < 0;

    /// <summary>Whether <paramref name="left"/> is later.</summary>
    public static bool operator >(Timestamp left, Timestamp right) => left.CompareTo(right) > 0;

    /// <summary>Whether <paramref name="left"/> is not later.</summary>
    public static bool operator <=(Timestamp left, Timestamp right) => left.CompareTo(right) <= 0;

    /// <summary>Whether <paramref name="left"/> is not earlier.</summary>
    public static bool operator >=(Timestamp left, Timestamp right) => left.CompareTo(right) >= 0;
}
