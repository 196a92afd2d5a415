using Lamina.Tests.Csi;

namespace Lamina.Tests.Crashes;

/// <summary>One call that a client makes, with what it means for the client's books. The same call may be made again.</summary>
/// <param name="Kind">What sort of call.</param>
/// <param name="Object">The id of the volume or snapshot that it makes, changes or deletes.</param>
/// <param name="SendAsync">Makes the call.</param>
/// <param name="Answered">Enters it into the books.</param>
internal sealed record Call(CallKind Kind, string Object, Func<CsiConnection, Task> SendAsync, Action Answered)
{
    /// <summary>What its object holds, if the call makes one: it must be there whole or not at all.</summary>
    internal KeptObject? Makes { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Kind} {Object}";
}
