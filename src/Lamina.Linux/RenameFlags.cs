namespace Lamina.Linux;

/// <summary>How a rename treats a target that exists. See rename(2).</summary>
[Flags]
public enum RenameFlags : uint
{
    /// <summary>It is replaced.</summary>
    None = 0,
    /// <summary>The rename fails with EEXIST.</summary>
    NoReplace = 1,
    /// <summary>The two change places; both must exist.</summary>
    Exchange = 2,
}
