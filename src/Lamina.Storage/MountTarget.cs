using System.Text;
using System.Text.Json.Serialization;

namespace Lamina.Storage;

/// <summary>
/// An absolute path that a front door names: a publication's target or a staging path. It is clean (no <c>.</c>, <c>..</c>
/// or doubled slashes, no slash at the end), is not <c>/</c>, holds no NUL, and is shorter than PATH_MAX (4,096 bytes) with components of at
/// most NAME_MAX (255 bytes). Whether symbolic links lie on it is decided when it is opened, once, by openat2(2).
/// </summary>
[JsonConverter(typeof(ParsableJsonConverter<MountTarget>))]
public readonly record struct MountTarget : IStorageValue<MountTarget>
{
    private readonly string? _path;

    private MountTarget(string path) => _path = path;

    /// <inheritdoc/>
    public static string Grammar => "a usable path: it must be absolute, without '.', '..' or NUL, below 4096 bytes with at most 255 between slashes, and not '/'";

    /// <summary>The directory that holds the target.</summary>
    public string Parent => Path.GetDirectoryName(ToString())!;

    /// <summary>The last component.</summary>
    public string Name => Path.GetFileName(ToString());

    /// <inheritdoc/>
    public static bool TryParse(string? text, out MountTarget value)
    {
        value = default;
        if (string.IsNullOrEmpty(text) || text[0] != '/' || text.Contains('\0', StringComparison.Ordinal) || Encoding.UTF8.GetByteCount(text) >= 4096)
            return false;
        var parts = text.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0 || parts.Any(part => part is "." or ".." || Encoding.UTF8.GetByteCount(part) > 255))
            return false;
        value = new MountTarget("/" + string.Join('/', parts));
        return true;
    }

    /// <summary>The path itself.</summary>
    public override string ToString() => _path ?? throw new InvalidOperationException("an uninitialised path was used");
}
