namespace Lamina.Storage.Pools.Cuts;

/// <summary>
/// A volume on the way to being cut, made by its pool and driven by <see cref="CutRunner"/>: prepared while writers run, cut at the write point,
/// finished when they run again. Several cuts, of volumes in different pools too, share one write point.
/// </summary>
/// <remarks>
/// <para>The calls block, come one after another, and may come from any thread, one with a deep stack where writers are stopped. They
/// may throw <see cref="Linux.LinuxException"/>. To dispose of a cut before anything was made of it leaves nothing behind.</para>
/// </remarks>
public interface IVolumeCut : IAsyncDisposable
{
    /// <summary>The volume.</summary>
    VolumeId Volume { get; }

    /// <summary>Where it is mounted, and written to by others; null when it is not attached, and so does not change.</summary>
    string? MountPoint { get; }

    /// <summary>
    /// Whether the volume's writers must stand still for <see cref="Cut"/> even when it is the only one: the backend has no cut of its own. In a group
    /// they are stopped anyway, as only that makes one moment of several cuts.
    /// </summary>
    bool StopsWriters { get; }

    /// <summary>Whether its writers may be stopped, and for how long.</summary>
    PauseLimits Limits { get; }

    /// <summary>
    /// Whether <see cref="Hold"/> keeps everybody from writing, whoever and wherever they are: then nobody has to be found and stopped for this volume.
    /// </summary>
    bool HoldsWriters => false;

    /// <summary>
    /// What cuts have in common that are taken together, at one moment, when the first of them is: then nobody has to be stopped between them. Null for one
    /// that is taken by itself.
    /// </summary>
    object? TakenTogether => null;

    /// <summary>
    /// Why the volume's writers can't be stopped, so that it can be cut at one moment only with volumes that hold theirs; null when they can.
    /// </summary>
    string? StopObstacle => null;

    /// <summary>
    /// Does beforehand what can be done while writers run, so that they are stopped for a short time only. Called at least once, and again whenever
    /// time has passed until the stop.
    /// </summary>
    void Prepare();

    /// <summary>Keeps everybody from writing until <see cref="LetGo"/>, where <see cref="HoldsWriters"/>. The volumes that do are all held before the first cut.</summary>
    void Hold()
    {
    }

    /// <summary>
    /// Takes the cut, as fast as it can. Called again after all were prepared again, when a cut of the same write point found a writer who had not been
    /// stopped: what was taken before is void then.
    /// </summary>
    /// <exception cref="SourceChangedException">Somebody has written since the write point.</exception>
    /// <exception cref="OperationCanceledException">It took longer than writers may stand still.</exception>
    void Cut(WritePoint point);

    /// <summary>Ends a hold, when all cuts of the write point were taken or have failed; also one that never began. Throws nothing.</summary>
    void LetGo()
    {
    }

    /// <summary>Makes what was cut durable, after the writers run again; nobody sees it yet.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.FailedPrecondition"/>: a hold was ended before the cut, as it took too long.</exception>
    void Finish();
}
