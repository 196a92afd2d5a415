namespace Lamina.Cluster;

/// <summary>Where the last view of the PersistentVolumes is kept. Written by the watcher alone; readers see each view whole.</summary>
internal sealed class PersistentVolumeIndex
{
    private PersistentVolumeView? _view;

    /// <summary>The last view, however old; null before the first complete list.</summary>
    internal PersistentVolumeView? View
    {
        get => Volatile.Read(ref _view);
        set => Volatile.Write(ref _view, value);
    }

    /// <summary>Whether a watch keeps the view up to date at this moment, as far as one can know.</summary>
    internal bool IsCurrent { get; set; }
}
