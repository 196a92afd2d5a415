namespace Lamina.Cluster;

/// <summary>Bounds how much is sent: some at once, then one in an interval. For one caller at a time.</summary>
/// <param name="burst">How many may follow each other at once.</param>
/// <param name="interval">How long it takes until one more may.</param>
/// <param name="time">The clock.</param>
internal sealed class Pace(int burst, TimeSpan interval, TimeProvider time)
{
    private double _left = burst;
    private long _counted = time.GetTimestamp();

    /// <summary>Waits for its turn.</summary>
    internal async Task WaitAsync(CancellationToken cancellationToken)
    {
        Count();
        if (_left < 1)
        {
            await Task.Delay(interval * (1 - _left), time, cancellationToken);
            Count();
        }
        _left -= 1;
    }

    private void Count()
    {
        var now = time.GetTimestamp();
        _left = Math.Min(burst, _left + time.GetElapsedTime(_counted, now) / interval);
        _counted = now;
    }
}
