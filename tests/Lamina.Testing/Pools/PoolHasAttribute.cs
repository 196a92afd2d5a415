namespace Lamina.Testing.Pools;

/// <summary>
/// Says what the pools of a test class have. It has the tests of the specification that go with that, and no others: what does not apply is not
/// there, rather than skipped. One of the tests is that it is true.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class PoolHasAttribute(PoolTraits traits, PoolTraits onOpenZfs = PoolTraits.None) : Attribute
{
    /// <summary>What they have: more where the kernel has ZFS, and so it is not zfs-fuse that they lie on.</summary>
    public PoolTraits Traits => ZfsFileSystem.IsInKernel ? traits | onOpenZfs : traits;
}
