namespace Lamina.Tests.Crashes;

/// <summary>What a daemon may be killed in the middle of.</summary>
internal enum CallKind
{
    Create,
    Restore,
    Clone,
    Snapshot,
    LiveSnapshot,
    Expand,
    DeleteVolume,
    DeleteSnapshot,
    Stage,
    Publish,
    Unpublish,
    Unstage,

    /// <summary>The merge of a deep volume's layers, which is no call but follows one.</summary>
    Flatten,
}
