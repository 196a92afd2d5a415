using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Directories;

/// <summary>An object in the trash, as it is looked at to tell what it takes.</summary>
/// <param name="Name">What it is called there.</param>
/// <param name="Directory">The object's directory.</param>
/// <param name="Files">The names of what lies in it but for directories.</param>
/// <param name="Trees">The names of the directories in it.</param>
internal readonly record struct TrashEntry(string Name, SafeFileHandle Directory, IReadOnlyList<string> Files, IReadOnlyList<string> Trees);
