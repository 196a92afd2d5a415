using CsCheck;
using Google.Protobuf;
using Grpc.Core;
using Lamina.Testing;
using Microsoft.Extensions.Logging;

namespace Lamina.Tests.Fuzz;

/// <summary>Every rpc that the daemon serves, with messages that nobody in his right mind would send.</summary>
public sealed class FuzzTests
{
    private const int Callers = 6;
    private static readonly int Calls = TestSettings.IsSoak ? 400_000 : 20_000;

    [Fact]
    public async Task Table_OfCodes_HasARowForEveryRpcThatIsServed()
    {
        await using var daemon = await TestDaemon.StartAsync();
        Assert.DoesNotContain(Rpc.ServedBy(daemon), rpc => !RpcTable.Knows(rpc));
    }

    [Fact]
    public async Task Daemon_WithGeneratedMessages_AnswersAsDocumentedAndHarmsNothing()
    {
        await using var scene = await FuzzScene.MakeAsync("--logging:logLevel:default=Warning");
        var (writers, readers) = (new MessageGenerator(scene.Words), new MessageGenerator(scene.WordsOfReaders));
        var rpcs = Rpc.ServedBy(scene.Daemon.Daemon);
        var seed = (ulong)(TestSettings.Seed ?? Random.Shared.Next());
        var calls = rpcs.Select(rpc => (
            Weight: WeightOf(rpc),
            Gen: (IGen<Call>)(rpc.LeavesObjectsAlone ? readers : writers).Bytes(rpc.Request).Select(bytes => new Call(rpc, bytes)))).ToArray();
        var any = Gen.Frequency<Call>(calls);

        var outcomes = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        var faults = new System.Collections.Concurrent.ConcurrentDictionary<string, string>();
        var left = Calls;
        var started = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(1, Callers).Select(caller => Task.Run(async () =>
        {
            var random = new PCG((uint)caller, seed);
            while (Interlocked.Decrement(ref left) >= 0)
            {
                var call = any.Generate(random, null, out _);
                var status = await call.Rpc.CallAsync(call.Rpc.IsCsi ? scene.Csi : scene.Admin, call.Bytes);
                if (FaultOf(call, status) is { } fault)
                    faults.TryAdd($"{call.Rpc} {status.StatusCode}", fault);
                outcomes.AddOrUpdate($"{call.Rpc} {status.StatusCode}", 1, static (_, count) => count + 1);
            }
        })));
        var duration = TimeProvider.System.GetElapsedTime(started);
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}: {Calls} calls, {Calls / duration.TotalSeconds:F0} a second");
        foreach (var (outcome, count) in outcomes.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            TestContext.Current.TestOutputHelper?.WriteLine($"{outcome} {count}");

        // One of each sort is enough to begin with.
        Assert.True(faults.IsEmpty, string.Join("\n", faults.Values));
        await scene.CheckAsync();
        await scene.CheckNothingIsLeftAsync();
        // The framework's own lines are about frames that are no messages.
        Assert.DoesNotContain(
            scene.Daemon.Log.GetSnapshot(), line => line.Level >= LogLevel.Error && line.Category?.StartsWith("Lamina", StringComparison.Ordinal) == true);
    }

    // Making pools takes long; what there is only one message for needs few calls; and what is made is to live for a while.
    private static int WeightOf(Rpc rpc) => rpc.Request.Fields.InDeclarationOrder().Count == 0 || rpc.Name.EndsWith("/Init", StringComparison.Ordinal) ? 1
        : rpc.Name.Contains("/Delete", StringComparison.Ordinal) ? 5
        : rpc.Name.Contains("/Create", StringComparison.Ordinal) ? 20
        : 10;

    // What is no message at all never comes to us: the framework's own answer stands.
    private static string? FaultOf(Call call, Status status) =>
        call.Rpc.Read(call.Bytes) is not { } message ? null
        : !RpcTable.Allows(call.Rpc, status.StatusCode)
            ? $"{call.Rpc} answers {status.StatusCode}: {status.Detail}\nto {Json(message)}\nin bytes {Convert.ToBase64String(call.Bytes)}"
        : status.StatusCode != StatusCode.OK && status.Detail.Length == 0
            ? $"{call.Rpc} answers {status.StatusCode} without a word to {Json(message)}"
        : null;

    private static string Json(IMessage message)
    {
        try
        {
            return new JsonFormatter(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true)).Format(message);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return $"what JSON can't tell ({e.Message})";
        }
    }

    private sealed record Call(Rpc Rpc, byte[] Bytes);
}
