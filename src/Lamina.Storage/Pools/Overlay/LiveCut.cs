using Lamina.Linux;
using Lamina.Storage.Pools.Cuts;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Overlay;

/// <summary>
/// Cuts a volume while it is mounted and written to. The kernel has no such cut for an overlay: its upper can't be replaced while it is
/// mounted, and freezing the filesystem beneath would block the copy as well. So the upper is copied while the writers run, they are stopped,
/// what has changed since is brought over, and they are let go.
/// </summary>
/// <remarks>
/// <para>What was written before the stop is in the copy and nothing of later, across all files: the state of one moment, as a power cut
/// would have left it if the disk had kept all of it. Writers that could not be found are noticed: no file may have changed since the stop.</para>
/// <para>One flush of the whole filesystem makes the copy durable, after the writers run again: the copied data is anywhere in the tree, and
/// another flush just before the stop has left it little to do. Its order before the record that names the copy is the pool's business.</para>
/// <para>A cut that is not finished leaves its target empty.</para>
/// </remarks>
internal sealed class LiveCut : IVolumeCut
{
    private const int MaxPasses = 5;

    // A pass that is so short leaves little to the next one.
    private static readonly TimeSpan s_shortPass = TimeSpan.FromMilliseconds(100);

    private readonly LiveCutRequest _request;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SafeFileHandle _pool;
    private readonly SafeFileHandle _mount;
    private readonly UpperCopy _copy;
    private readonly long _began;
    private int _passes;
    private bool _isFinished;

    /// <param name="request">What is cut. Its handles are the caller's, and must stay open.</param>
    /// <param name="time">Measures.</param>
    /// <param name="logger">Where the cut is reported.</param>
    internal LiveCut(LiveCutRequest request, TimeProvider time, ILogger logger)
    {
        _request = request;
        _time = time;
        _logger = logger;
        _began = time.GetTimestamp();

        // Handles of our own: a flush of the filesystem reports the errors since its handle was opened, and to one caller only.
        _pool = Files.OpenDirectoryAt(request.Pool, ".");
        try
        {
            _mount = Files.Open(request.MountPoint, OpenFlags.Path | OpenFlags.Directory);
            _copy = new UpperCopy(request.Source, request.Target, _mount);
        }
        catch
        {
            _pool.Dispose();
            _mount?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public VolumeId Volume => _request.Volume;

    /// <inheritdoc/>
    public string MountPoint => _request.MountPoint;

    /// <inheritdoc/>
    public bool StopsWriters => true;

    /// <inheritdoc/>
    public PauseLimits Limits => _request.Limits;

    /// <inheritdoc/>
    public void Prepare()
    {
        if (_passes == 0)
            _passes = FollowWriters();
        else
            _copy.Follow(CancellationToken.None);

        // So that what happens during the stop has nothing else to wait for.
        Files.FlushFileSystem(_pool);
    }

    /// <inheritdoc/>
    public void Cut(WritePoint point)
    {
        _copy.Complete(point.MappedInodes, point.Aborted);
        _copy.Verify(point.StoodStillAt ?? throw new InvalidOperationException("the writers were not stopped"), point.Aborted);
    }

    /// <inheritdoc/>
    public void Finish()
    {
        _copy.Finish();
        Files.FlushFileSystem(_pool);
        _isFinished = true;
        _logger.UpperCopied(_request.Volume, _copy.Count, _copy.Changes, _passes, _time.GetElapsedTime(_began));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        if (!_isFinished)
            Clear();
        _copy.Dispose();
        _mount.Dispose();
        _pool.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Copies until a pass has little left to do.</summary>
    private int FollowWriters()
    {
        var last = TimeSpan.MaxValue;
        for (var pass = 1; ; pass++)
        {
            var began = _time.GetTimestamp();
            _copy.Follow(CancellationToken.None);
            var took = _time.GetElapsedTime(began);
            if (took < s_shortPass || took > last / 2 || pass == MaxPasses)
                return pass;
            last = took;
        }
    }

    private void Clear()
    {
        try
        {
            _copy.Clear();
        }
        catch (LinuxException e)
        {
            // The layer goes into the trash as a whole.
            _logger.CopyNotCleared(_request.Volume, e.Message);
        }
    }
}
