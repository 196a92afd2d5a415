namespace Lamina.Testing.Pools;

/// <summary>A way for a pool to be wrong.</summary>
public enum Breakage
{
    /// <summary>A snapshot is the volume itself.</summary>
    SnapshotIsTheVolume,

    /// <summary>A snapshot goes with its volume.</summary>
    SnapshotDiesWithItsVolume,

    /// <summary>A snapshot does not say when it was cut.</summary>
    SnapshotHasNoMoment,

    /// <summary>A snapshot is seen before it is published, and stays if it never is.</summary>
    SnapshotAppearsBeforeItIsPublished,

    /// <summary>A cut that has to be taken again is the first one.</summary>
    CutIsTakenOnce,

    /// <summary>What is restored from a snapshot is the snapshot itself.</summary>
    RestoreIsTheSnapshot,

    /// <summary>What is restored is empty.</summary>
    RestoreIsEmpty,

    /// <summary>A copy's root has not the owner and mode of its source's.</summary>
    CopyLosesItsRoot,

    /// <summary>A clone is its source.</summary>
    CloneIsItsSource,

    /// <summary>A volume is deleted under those who have it mounted.</summary>
    DeletesWhatIsMounted,

    /// <summary>A delete takes the data but leaves the record, as a crash between two steps would.</summary>
    DeleteLeavesTheRecord,

    /// <summary>A restart forgets the volumes.</summary>
    ForgetsAtRestart,

    /// <summary>A resize is not stored.</summary>
    ForgetsTheResize,

    /// <summary>A change of attributes is not stored.</summary>
    ForgetsTheAttributes,

    /// <summary>The record is stored without what the orchestrator told.</summary>
    LosesTheLabels,

    /// <summary>A volume takes the place of one that exists.</summary>
    OverwritesTheKey,

    /// <summary>Says something else than that the key is taken.</summary>
    TakenKeyIsInternal,

    /// <summary>A new volume's root is open to everybody.</summary>
    RootIsOpenToAll,

    /// <summary>The parameters for the root are not followed.</summary>
    IgnoresRootParameters,

    /// <summary>The disk's usage in place of the volume's.</summary>
    TellsTheDisksUsage,

    /// <summary>More available than there is.</summary>
    PromisesMoreThanThereIs,

    /// <summary>Two daemons can open it.</summary>
    HasNoLock,
}
