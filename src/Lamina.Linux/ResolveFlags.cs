namespace Lamina.Linux;

/// <summary>What the resolution of a path must not do. See openat2(2).</summary>
[Flags]
public enum ResolveFlags : ulong
{
    /// <summary>Nothing is forbidden.</summary>
    None = 0,
    /// <summary>Cross a mount, bind mounts included (EXDEV).</summary>
    NoCrossDevice = 1,
    /// <summary>Follow a magic link such as /proc/self/fd/3 (ELOOP).</summary>
    NoMagicLinks = 2,
    /// <summary>Follow any symbolic link, in whatever component (ELOOP).</summary>
    NoSymlinks = 4,
    /// <summary>Leave the directory it starts from: by <c>..</c>, by an absolute path or link (EXDEV).</summary>
    Beneath = 8,
    /// <summary>Leave the directory it starts from, which is treated as the root.</summary>
    InRoot = 16,
}
