using CsCheck;
using Google.Protobuf;

namespace Lamina.Tests.Fuzz;

/// <summary>What lives behind one door, as far as its callers have been told. Many callers share it.</summary>
internal abstract class Model
{
    private readonly Lock _gate = new();

    /// <summary>A request that should be granted as things are, if nobody else is quicker; null: there is nothing to ask it of.</summary>
    internal IMessage? Right(string rpc, PCG random)
    {
        lock (_gate)
            return RightFor(rpc, random);
    }

    /// <summary>Learns from what was granted, however strange the request was.</summary>
    internal void Learn(string rpc, IMessage request, IMessage? answer)
    {
        lock (_gate)
            Granted(rpc, request, answer);
    }

    protected abstract IMessage? RightFor(string rpc, PCG random);

    protected abstract void Granted(string rpc, IMessage request, IMessage? answer);

    protected static int Below(PCG random, int end) => (int)random.Next((uint)end);

    protected static T? Pick<T>(PCG random, IReadOnlyList<T> items)
        where T : class => items.Count == 0 ? null : items[Below(random, items.Count)];

    protected static T? Pick<T>(PCG random, IEnumerable<T> items, Func<T, bool> which)
        where T : class => Pick(random, [.. items.Where(which)]);
}
