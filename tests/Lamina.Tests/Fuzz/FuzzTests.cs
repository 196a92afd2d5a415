using System.Collections.Concurrent;
using CsCheck;
using Google.Protobuf;
using Grpc.Core;
using Lamina.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Lamina.Tests.Fuzz;

/// <summary>Every rpc that the daemon serves, with messages that nobody in his right mind would send.</summary>
public sealed class FuzzTests
{
    private const int Callers = 6;
    private static readonly int Calls = TestSettings.IsSoak ? 400_000 : 6_000;
    private const int Depth = 10;

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
        var traffic = new Traffic(scene);
        Rpc[] rpcs = [.. Rpc.ServedBy(scene.Daemon.Daemon).SelectMany(rpc => Enumerable.Repeat(rpc, WeightOf(rpc)))];
        var seed = (ulong)(TestSettings.Seed ?? Random.Shared.Next());
        var outcomes = new ConcurrentDictionary<(string Rpc, StatusCode Code), int>();
        var faults = new ConcurrentDictionary<string, string>();
        var left = Calls;
        var started = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(1, Callers).Select(caller => Task.Run(async () =>
        {
            var random = new PCG((uint)caller, seed);
            while (Interlocked.Decrement(ref left) >= 0)
            {
                var rpc = rpcs[random.Next((uint)rpcs.Length)];
                var call = new Call(rpc, traffic.Next(rpc, random));
                var status = await traffic.SendAsync(rpc, call.Bytes);
                if (FaultOf(call, status) is { } fault)
                    faults.TryAdd($"{call.Rpc} {status.StatusCode}", fault);
                outcomes.AddOrUpdate((rpc.Name, status.StatusCode), 1, static (_, count) => count + 1);
            }
        })));
        var duration = TimeProvider.System.GetElapsedTime(started);
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}: {Calls} calls, {Calls / duration.TotalSeconds:F0} a second");
        foreach (var rpc in outcomes.GroupBy(pair => pair.Key.Rpc).OrderBy(group => group.Key, StringComparer.Ordinal))
            TestContext.Current.TestOutputHelper?.WriteLine($"{rpc.Key}: {string.Join(", ", rpc.OrderBy(pair => pair.Key.Code).Select(pair => $"{pair.Key.Code} {pair.Value}"))}");

        // One of each sort is enough to begin with.
        Assert.True(faults.IsEmpty, string.Join("\n", faults.Values));
        // Calls that are all refused at the gate would find nothing.
        Assert.All(rpcs.Distinct().Where(rpc => !RpcTable.IsNeverOk(rpc)), rpc => Assert.True(
            outcomes.GetValueOrDefault((rpc.Name, StatusCode.OK)) >= (rpc.IsRare ? 1 : Depth), $"{rpc} was granted {outcomes.GetValueOrDefault((rpc.Name, StatusCode.OK))} times only"));
        await scene.CheckAsync();
        await scene.CheckNothingIsLeftAsync();
        Assert.DoesNotContain(scene.Daemon.Log.GetSnapshot(), line => line.Level >= LogLevel.Error && !IsOfAFrame(line));
    }

    // Seen of the framework: only the Error line of Grpc.AspNetCore.Server for bytes that are no message of the type (a truncated field, a lone
    // surrogate), which the parser throws at before any handler of ours runs; the caller gets the framework's UNKNOWN. An exception of ours can't
    // be taken for it: the interceptors turn them all into a status.
    private static bool IsOfAFrame(FakeLogRecord line) =>
        line is { Category: not null, Exception: InvalidProtocolBufferException } && line.Category.StartsWith("Grpc.AspNetCore.Server", StringComparison.Ordinal);

    // What there is only one message for needs few calls; what is made is to live for a while; and few volumes have attributes to modify.
    private static int WeightOf(Rpc rpc) => rpc.IsRare ? 1
        // Where volumes stay attached none can be deleted, and where none is none more is made.
        : rpc.Name is "lamina.v1.Volumes/Delete" or "lamina.v1.Volumes/Detach" ? 20
        : rpc.Name.Contains("/Delete", StringComparison.Ordinal) ? 8
        : rpc.Name.Contains("/Create", StringComparison.Ordinal) || rpc.Name.EndsWith("/ControllerModifyVolume", StringComparison.Ordinal) ? 20
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
