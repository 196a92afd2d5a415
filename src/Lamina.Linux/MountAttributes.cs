namespace Lamina.Linux;

/// <summary>Properties of one mount, apart from its filesystem's. See mount_setattr(2).</summary>
[Flags]
public enum MountAttributes : ulong
{
    /// <summary>None; access times are kept relatively (relatime).</summary>
    None = 0,
    /// <summary>No writes through this mount.</summary>
    ReadOnly = 0x1,
    /// <summary>Set-user-id and set-group-id bits and file capabilities do nothing.</summary>
    NoSetUid = 0x2,
    /// <summary>Device nodes can't be opened.</summary>
    NoDevices = 0x4,
    /// <summary>Nothing can be executed.</summary>
    NoExecute = 0x8,
    /// <summary>Reading changes no access time.</summary>
    NoAccessTime = 0x10,
    /// <summary>Every read changes the access time.</summary>
    StrictAccessTime = 0x20,
    /// <summary>Reading changes no directory's access time.</summary>
    NoDirectoryAccessTime = 0x80,
    /// <summary>Symbolic links are not followed (5.14+).</summary>
    NoSymlinkFollow = 0x20_0000,
}
