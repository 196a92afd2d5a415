using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Lamina.Linux;
using Lamina.Testing;

namespace Lamina.Benchmarks;

/// <summary>
/// Volumes that are made and removed over the socket of a real Docker, one client, in turns by this driver, by Docker's own <c>local</c> one, which is part
/// of the engine, and by the least that a driver outside of it can be. The whole way counts, so there are no bare system calls to compare with.
/// </summary>
internal static class DockerPairs
{
    private const int Rounds = 5;
    private const int PairsEach = 100;

    /// <summary>Runs it and prints the pairs per second of each.</summary>
    /// <returns>Whether it could be run.</returns>
    internal static async Task<bool> RunAsync()
    {
        if (!ChildProcess.Exists("dockerd"))
        {
            Console.WriteLine("DockerPairs: needs dockerd of the package docker.io");
            return true;
        }
        var root = TestScratch.NewDirectory("docker");
        var driver = $"lamina-bench-{Environment.ProcessId}";
        var least = $"{driver}-least";
        var plugin = SocketOf(driver);
        Directory.CreateDirectory($"{root}/state");
        await File.WriteAllTextAsync($"{root}/state/other", "");
        await File.WriteAllTextAsync($"{root}/daemon.json", "{}");
        var lamina = Start($"{root}/lamina.log", Path.Combine(AppContext.BaseDirectory, "../../Lamina/release/lamina"), "serve", "--docker", $"--docker:socket={plugin}",
            $"--runtimeDirectory={root}/run", $"--stateDirectory={root}/state/lamina", $"--configurationDirectory={root}/etc", $"--csi:endpoint=unix://{root}/run/csi.sock", "--metrics:address=none");
        var docker = Start($"{root}/docker.log", "dockerd", "--config-file", $"{root}/daemon.json", "--data-root", $"{root}/data", "--exec-root", $"{root}/exec", "--pidfile", $"{root}/pid",
            "-H", $"unix://{root}/docker.sock", "--bridge=none", "--iptables=false", "--ip6tables=false");
        try
        {
            await using var memory = await MemoryDriver.StartAsync(SocketOf(least));
            using var http = new HttpClient(new SocketsHttpHandler { ConnectCallback = (_, cancel) => ConnectAsync($"{root}/docker.sock", cancel) }) { BaseAddress = new Uri("http://docker") };
            await Eventually.TrueAsync(() => File.Exists(plugin) && File.Exists($"{root}/docker.sock"), "both listen");
            var rates = new Dictionary<string, List<double>> { ["local"] = [], [least] = [], [driver] = [] };
            foreach (var name in rates.Keys)
                await PairsAsync(http, name, 20);
            var (calls, connections) = (memory.Calls, memory.Connections);
            for (var round = 0; round < Rounds; round++)
            {
                foreach (var (name, measured) in rates)
                    measured.Add(PairsEach / await PairsAsync(http, name, PairsEach));
            }
            Print("local, within the engine", rates["local"]);
            Print($"a driver in memory, of {(memory.Calls - calls) / (double)(Rounds * PairsEach):f1} calls a pair over {memory.Connections - connections} new connections", rates[least]);
            Print($"lamina, {Median(rates[driver]) / Median(rates[least]):p0} of that", rates[driver]);
            return true;
        }
        finally
        {
            Stop(docker);
            Stop(lamina);
            MountCleanup.UnmountBeneath(root);
        }
    }

    private static string SocketOf(string driver) => $"/run/docker/plugins/{driver}.sock";

    private static double Median(List<double> measured) => measured.Order().ElementAt(Rounds / 2);

    private static void Print(string what, List<double> measured) =>
        Console.WriteLine($"DockerPairs: {what}: {Median(measured):f0} pairs of create and remove per second (from {measured.Min():f0} to {measured.Max():f0})");

    private static async Task<double> PairsAsync(HttpClient http, string driver, int count)
    {
        var watch = Stopwatch.StartNew();
        for (var number = 0; number < count; number++)
        {
            using var content = new StringContent($$"""{"Name":"{{driver}}-{{number}}","Driver":"{{driver}}"}""", Encoding.UTF8, "application/json");
            using var made = await http.PostAsync(new Uri("/v1.40/volumes/create", UriKind.Relative), content);
            made.EnsureSuccessStatusCode();
            using var removed = await http.DeleteAsync(new Uri($"/v1.40/volumes/{driver}-{number}", UriKind.Relative));
            removed.EnsureSuccessStatusCode();
        }
        return watch.Elapsed.TotalSeconds;
    }

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static Process Start(string log, params string[] command)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1", "sh", log, .. command]) { WorkingDirectory = "/" };
#pragma warning disable RS0030 // A ChildProcess is waited for; these run beside us.
        return Process.Start(start)!;
#pragma warning restore RS0030
    }

    private static void Stop(Process process)
    {
        using (process)
        {
            using (var handle = ProcessHandle.Open(process.Id))
                handle.TrySignal(Signal.Terminate);
            process.WaitForExit();
        }
    }
}
