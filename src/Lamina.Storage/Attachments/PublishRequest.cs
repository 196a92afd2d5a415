namespace Lamina.Storage.Attachments;

/// <summary>A publication as a front door asks for it.</summary>
public sealed record PublishRequest
{
    /// <summary>Where. Its parent exists; the target itself is made.</summary>
    public required MountTarget Target { get; init; }

    /// <summary>The door that asks.</summary>
    public required Door Door { get; init; }

    /// <summary>The holder for whom the volume must be attached already; null: publishing attaches it.</summary>
    public HolderIdentity? StagedBy { get; init; }

    /// <summary>Whether it can only be read through.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Whether it must be the only publication of the volume.</summary>
    public bool Exclusive { get; init; }

    /// <summary>What else the mount is to be like.</summary>
    public MountFlags Flags { get; init; } = MountFlags.None;

    /// <summary>The group that is to have access to all files, unless the publication is read-only; null: they stay as they are.</summary>
    public uint? Group { get; init; }

    /// <summary>What the same call must repeat; any text without secrets.</summary>
    public string Arguments { get; init; } = "";
}
