using System.Text.Json.Serialization;

namespace Lamina.Storage.Attachments;

/// <summary>How a volume is held.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<HolderKind>))]
public enum HolderKind
{
    /// <summary>An orchestrator made the volume ready on this host (CSI staging).</summary>
    Stage,

    /// <summary>It is bind mounted at a path.</summary>
    Publication,

    /// <summary>A person attached it by the command line.</summary>
    User,

    /// <summary>A container engine mounted it under an id of its own.</summary>
    Engine,

    /// <summary>Its file can't be read, so nothing is known but that it is there. The reference is the file.</summary>
    Unreadable,
}
