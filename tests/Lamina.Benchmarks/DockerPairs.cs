using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Lamina.Linux;
using Lamina.Testing;

namespace Lamina.Benchmarks;

/// <summary>
/// Volumes that are made and removed over the socket of a real Docker, by one client and by several, in turns by this driver, by Docker's own <c>local</c>
/// one, which is part of the engine, and by the least that a driver outside of it can be. All of them lie on one ext4 of their own. The whole way counts, so
/// there are no bare system calls to compare with.
/// </summary>
internal static class DockerPairs
{
    private const long DiskSize = 4L << 30;
    private const int Rounds = 5;
    private const int PairsEach = 400;

    // Until the runtime has compiled what is called often for the second time.
    private const int WarmUp = 1000;

    /// <summary>Runs it and prints the pairs per second of each.</summary>
    /// <returns>Whether it could be run.</returns>
    internal static async Task<bool> RunAsync()
    {
        var daemon = Path.Combine(AppContext.BaseDirectory, "../../Lamina/release/lamina");
        if (!ChildProcess.Exists("dockerd") || !File.Exists(daemon))
        {
            Console.WriteLine("DockerPairs: needs dockerd of the package docker.io, and the daemon: make build");
            return true;
        }
        await using var disk = await LoopDisk.CreateAsync(FileSystemKind.Ext4, DiskSize);
        var root = disk.MountPoint;
        var driver = $"lamina-bench-{Environment.ProcessId}";
        var least = $"{driver}-least";
        var plugin = SocketOf(driver);
        Directory.CreateDirectory(Path.GetDirectoryName(plugin)!);
        Directory.CreateDirectory($"{root}/state");
        await File.WriteAllTextAsync($"{root}/state/other", "");
        await File.WriteAllTextAsync($"{root}/daemon.json", "{}");
        using var lamina = new Server($"{root}/lamina.log", daemon, "serve", "--docker", $"--docker:socket={plugin}",
            $"--runtimeDirectory={root}/run", $"--stateDirectory={root}/state/lamina", $"--configurationDirectory={root}/etc", $"--csi:endpoint=unix://{root}/run/csi.sock", "--metrics:address=none");
        using var docker = new Server($"{root}/docker.log", "dockerd", "--config-file", $"{root}/daemon.json", "--data-root", $"{root}/data", "--exec-root", $"{root}/exec", "--pidfile", $"{root}/pid",
            "-H", $"unix://{root}/docker.sock", "--bridge=none", "--iptables=false", "--ip6tables=false");
        await using var memory = await MemoryDriver.StartAsync(SocketOf(least));
        using var http = new HttpClient(new SocketsHttpHandler { ConnectCallback = (_, cancel) => ConnectAsync($"{root}/docker.sock", cancel) }) { BaseAddress = new Uri("http://docker") };
        await Eventually.TrueAsync(() => lamina.IsAlive() && docker.IsAlive() && File.Exists(plugin) && File.Exists($"{root}/docker.sock"), "both listen");
        string[] drivers = ["local", least, driver];
        foreach (var name in drivers)
            await PairsAsync(http, name, WarmUp, 8);
        foreach (var clients in (int[])[1, 8])
        {
            var rates = drivers.ToDictionary(name => name, _ => new List<double>());
            var (calls, connections) = (memory.Calls, memory.Connections);
            for (var round = 0; round < Rounds; round++)
            {
                foreach (var name in drivers)
                    rates[name].Add(PairsEach / await PairsAsync(http, name, PairsEach, clients));
            }
            Console.WriteLine($"DockerPairs: {clients} client{(clients == 1 ? "" : "s")}:");
            Print("local, within the engine", rates["local"]);
            Print($"a driver in memory, of {(memory.Calls - calls) / (double)(Rounds * PairsEach):f1} calls a pair over {memory.Connections - connections} new connections", rates[least]);
            Print($"lamina, {Median(rates[driver]) / Median(rates["local"]):p0} of local", rates[driver]);
        }
        return true;
    }

    private static string SocketOf(string driver) => $"/run/docker/plugins/{driver}.sock";

    private static double Median(List<double> measured) => measured.Order().ElementAt(Rounds / 2);

    private static void Print(string what, List<double> measured) =>
        Console.WriteLine($"DockerPairs:   {what}: {Median(measured):f0} pairs of create and remove per second (from {measured.Min():f0} to {measured.Max():f0})");

    private static async Task<double> PairsAsync(HttpClient http, string driver, int count, int clients)
    {
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(client => PairsAsync(http, driver, count / clients, $"{driver}-{client}")));
        return watch.Elapsed.TotalSeconds;
    }

    private static async Task PairsAsync(HttpClient http, string driver, int count, string prefix)
    {
        for (var number = 0; number < count; number++)
        {
            using var content = new StringContent($$"""{"Name":"{{prefix}}-{{number}}","Driver":"{{driver}}"}""", Encoding.UTF8, "application/json");
            using var made = await http.PostAsync(new Uri("/v1.40/volumes/create", UriKind.Relative), content);
            made.EnsureSuccessStatusCode();
            using var removed = await http.DeleteAsync(new Uri($"/v1.40/volumes/{prefix}-{number}", UriKind.Relative));
            removed.EnsureSuccessStatusCode();
        }
    }

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }

    // Runs beside us, and is ended in the end.
    private sealed class Server : IDisposable
    {
        private readonly string _log;
        private readonly Process _process;

        internal Server(string log, params string[] command)
        {
            _log = log;
            var start = new ProcessStartInfo("/bin/sh", ["-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1", "sh", log, .. command]) { WorkingDirectory = "/" };
#pragma warning disable RS0030 // A ChildProcess is waited for.
            _process = Process.Start(start)!;
#pragma warning restore RS0030
        }

        /// <summary>True; or tells why it ended.</summary>
        internal bool IsAlive() => !_process.HasExited ? true : throw new InvalidOperationException($"It ended with {_process.ExitCode}: {File.ReadAllText(_log)}");

        public void Dispose()
        {
            if (!_process.HasExited)
            {
                using (var handle = ProcessHandle.Open(_process.Id))
                    handle.TrySignal(Signal.Terminate);
                _process.WaitForExit();
            }
            _process.Dispose();
        }
    }
}
