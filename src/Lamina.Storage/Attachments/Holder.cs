using System.Text.Json.Serialization;

namespace Lamina.Storage.Attachments;

/// <summary>Somebody who uses a volume on this host. The first holder attaches it, the last one detaches it. Kept under the runtime directory, for this boot.</summary>
public sealed record Holder
{
    /// <summary>The volume.</summary>
    public required VolumeId Volume { get; init; }

    /// <summary>The door that speaks for the holder. It is a part of the <see cref="Identity"/> that ends a holder, so no door ends one of another.</summary>
    public required Door Door { get; init; }

    /// <summary>What kind of use it is.</summary>
    public required HolderKind Kind { get; init; }

    /// <summary>Which one of that kind: a staging path, a publication's target, a mount id, a user's word.</summary>
    public required string Reference { get; init; }

    /// <summary>With what arguments it was made; the same call with others is refused. Never secrets.</summary>
    public string Arguments { get; init; } = "";

    /// <summary>Whether a publication can only be read through.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Whether a publication wants to be the only one of its volume.</summary>
    public bool Exclusive { get; init; }

    /// <summary>The group that a publication gave access to all files; null: none.</summary>
    public uint? Group { get; init; }

    /// <summary>The engine that has mounted the volume; null: none, or nobody knows which.</summary>
    public ContainerEngine? Engine { get; init; }

    /// <summary>How many times more than once an engine has mounted the volume under its id, and not unmounted it.</summary>
    public int FurtherUses { get; init; }

    /// <summary>Whether a container was seen with the volume since an engine holds it.</summary>
    public bool WasSeen { get; init; }

    /// <summary>Since when.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>The boot in which it was made; after a reboot there are no holders.</summary>
    public required string BootId { get; init; }

    /// <summary>Who it is, apart from the rest.</summary>
    [JsonIgnore]
    public HolderIdentity Identity => new(Door, Kind, Reference);

    /// <summary>For messages: <c>CSI publication /var/lib/kubelet/…</c>.</summary>
    public override string ToString() => Identity.ToString();
}
