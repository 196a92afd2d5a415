using System.Diagnostics;

namespace Lamina.Storage;

/// <summary>A step of an operation in a pool: a span of its trace and an observation of its duration, which both end with the scope.</summary>
internal sealed class StorageStep : IDisposable
{
    private readonly string _pool;
    private readonly string _step;
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly Activity? _span;
    private string _result = "OK";

    private StorageStep(string pool, string step, string? what)
    {
        _pool = pool;
        _step = step;
        _span = StorageTrace.Source.StartActivity(step);
        _span?.SetTag("lamina.pool", pool);
        if (what is not null)
            _span?.SetTag("lamina.what", what);
    }

    /// <summary>Begins one.</summary>
    /// <param name="pool">In which pool.</param>
    /// <param name="step">What it is called in metrics, such as <c>create_volume</c>: of these there are as many as the code has.</param>
    /// <param name="what">What is done to what, for traces alone.</param>
    internal static StorageStep Begin(PoolName pool, string step, string? what) => new(pool.ToString(), step, what);

    /// <summary>It has failed.</summary>
    internal void Fail(StorageError error) => _result = error.ToString();

    /// <inheritdoc cref="Fail(StorageError)"/>
    internal void Fail(Exception cause) => Fail(cause is StorageException known ? known.Error : StorageError.Internal);

    public void Dispose()
    {
        if (_result != "OK")
            _span?.SetStatus(ActivityStatusCode.Error, _result);
        _span?.Dispose();
        StorageMeter.Step(_pool, _step, _result, Stopwatch.GetElapsedTime(_started));
    }
}
