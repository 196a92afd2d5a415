using CsCheck;
using Google.Protobuf;
using Lamina.Testing;
using Wire = Csi.V1;

namespace Lamina.Tests.Fuzz;

/// <summary>
/// Requests as many callers might send them: half are right as things are, most others are right but for a field or two, the rest is wild. What
/// is granted becomes the ground of further ones.
/// </summary>
internal sealed class Traffic(FuzzScene scene)
{
    private readonly Model _csi = new CsiModel(scene.Daemon.Kubelet, scene.Bound);
    private readonly Model _admin = new AdminModel(TestScratch.NewDirectory("pools"));
    private readonly Kinds _writers = new(scene.Words);
    private readonly Kinds _readers = new(scene.WordsOfReaders);

    /// <summary>A message that should be granted, if there is something to ask it of; else one that has a chance.</summary>
    internal IMessage Right(Rpc rpc, PCG random) =>
        (rpc.IsCsi ? _csi : _admin).Right(rpc.Name, random) ?? Draw(KindsFor(rpc).Likely(rpc), random);

    /// <summary>The bytes of the next request.</summary>
    internal byte[] Next(Rpc rpc, PCG random)
    {
        var dice = random.Next(100);
        var message = dice < 88 ? Right(rpc, random) : Draw(KindsFor(rpc).Wild(rpc), random);
        for (var spoilt = dice is < 50 or >= 88 ? 0 : dice < 75 ? 1 : 2; spoilt > 0; spoilt--)
            Draw(KindsFor(rpc).Spoilers(rpc), random)(message);
        var bytes = message.ToByteArray();
        return dice < 50 || random.Next(12) > 0 ? bytes : Draw(MessageGenerator.Damaged(bytes), random);
    }

    /// <summary>Sends a request and learns from the answer.</summary>
    internal async Task<Grpc.Core.Status> SendAsync(Rpc rpc, byte[] bytes)
    {
        var (status, answer) = await rpc.CallAsync(rpc.IsCsi ? scene.Csi : scene.Admin, bytes);
        // To make what there is already is granted too, also of what must not change: nothing further may be asked of that.
        if (status.StatusCode == Grpc.Core.StatusCode.OK && !scene.IsKept(MadeBy(answer)) && rpc.Read(bytes) is { } request)
            (rpc.IsCsi ? _csi : _admin).Learn(rpc.Name, request, answer);
        return status;
    }

    private static string? MadeBy(IMessage? answer) => answer switch
    {
        Wire.CreateVolumeResponse made => made.Volume.VolumeId,
        Wire.CreateSnapshotResponse made => made.Snapshot.SnapshotId,
        Lamina.V1.Volume made => made.Id,
        Lamina.V1.Snapshot made => made.Id,
        _ => null,
    };

    private static T Draw<T>(Gen<T> gen, PCG random) => gen.Generate(random, null, out _);

    // Only what may change objects must not know those that have to stay.
    private Kinds KindsFor(Rpc rpc) => rpc.LeavesObjectsAlone ? _readers : _writers;

    // Making a generator takes longer than drawing from it.
    private sealed class Kinds(Vocabulary words)
    {
        private readonly MessageGenerator _generator = new(words);
        private readonly System.Collections.Concurrent.ConcurrentDictionary<string, (Gen<IMessage> Likely, Gen<IMessage> Wild, Gen<Action<IMessage>> Spoilers)> _all = new();

        internal Gen<IMessage> Likely(Rpc rpc) => Of(rpc).Likely;

        internal Gen<IMessage> Wild(Rpc rpc) => Of(rpc).Wild;

        internal Gen<Action<IMessage>> Spoilers(Rpc rpc) => Of(rpc).Spoilers;

        private (Gen<IMessage> Likely, Gen<IMessage> Wild, Gen<Action<IMessage>> Spoilers) Of(Rpc rpc) =>
            _all.GetOrAdd(rpc.Name, _ => (_generator.Likely(rpc.Request), _generator.Message(rpc.Request), _generator.Spoiler(rpc.Request)));
    }
}
