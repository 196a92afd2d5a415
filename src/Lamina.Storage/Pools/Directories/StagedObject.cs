using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Directories;

/// <summary>An object that is being built under <c>incoming/</c>. Unless it is moved into place it goes to the trash with the scope.</summary>
internal sealed class StagedObject : IDisposable
{
    private readonly PoolDirectory _pool;
    private readonly string _name = RandomName.New();
    private bool _placed;

    internal StagedObject(PoolDirectory pool)
    {
        _pool = pool;
        Files.MakeDirectory(pool.Incoming, _name, 0x1C0);
        Directory = Files.OpenDirectoryAt(pool.Incoming, _name);
    }

    /// <summary>The directory that it is built in.</summary>
    internal SafeFileHandle Directory { get; }

    /// <summary>Moves it into place, in one step.</summary>
    internal void MoveTo(SafeFileHandle directory, string name)
    {
        Files.Rename(_pool.Incoming, _name, directory, name, RenameFlags.NoReplace);
        _placed = true;
    }

    /// <summary>Takes the place of what is there, in one step. That is in the scope from then on, and goes with it.</summary>
    internal void ExchangeWith(SafeFileHandle directory, string name) => Files.Rename(_pool.Incoming, _name, directory, name, RenameFlags.Exchange);

    /// <inheritdoc/>
    public void Dispose()
    {
        Directory.Dispose();
        if (!_placed)
            _pool.Discard(_pool.Incoming, _name);
    }
}
