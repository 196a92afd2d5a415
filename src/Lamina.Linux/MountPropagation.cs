namespace Lamina.Linux;

/// <summary>Whether mounts made under a mount appear under its copies. See mount_namespaces(7).</summary>
public enum MountPropagation : ulong
{
    /// <summary>As it is.</summary>
    Unchanged = 0,
    /// <summary>Neither may be bound elsewhere nor takes part.</summary>
    Unbindable = 1 << 17,
    /// <summary>Takes no part.</summary>
    Private = 1 << 18,
    /// <summary>Receives, sends nothing.</summary>
    Slave = 1 << 19,
    /// <summary>Receives and sends.</summary>
    Shared = 1 << 20,
}
