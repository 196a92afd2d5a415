namespace Lamina.Storage.Pauses;

/// <summary>A process that may write to a volume.</summary>
/// <param name="Identity">Which.</param>
/// <param name="Name">Its name, for messages.</param>
/// <param name="Use">How it uses the volume, for messages.</param>
/// <param name="IsStopped">Whether it stands still already: somebody stopped it.</param>
internal sealed record Writer(ProcessIdentity Identity, string Name, string Use, bool IsStopped)
{
    /// <inheritdoc/>
    public override string ToString() => $"process {Identity.Pid} ({Name}), which {Use}";
}
