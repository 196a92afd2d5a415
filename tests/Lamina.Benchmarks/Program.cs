using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using Lamina.Benchmarks;
using Lamina.Testing;

// All of them, or those whose names begin with an argument: Create, Concurrent, Attach, Snapshot, Delete, and DockerPairs.
Type[] all = [typeof(CreateBenchmarks), typeof(ConcurrentCreateBenchmarks), typeof(AttachBenchmarks), typeof(SnapshotBenchmarks), typeof(DeleteBenchmarks)];
var chosen = all.Where(type => args.Length == 0 || args.Any(name => type.Name.StartsWith(name, StringComparison.OrdinalIgnoreCase))).ToList();
using var leaks = new HostLeakCheck();
var isDockerChosen = args.Length == 0 || args.Any(name => nameof(DockerPairs).StartsWith(name, StringComparison.OrdinalIgnoreCase));
var failed = chosen.Count == 0 && !isDockerChosen;
foreach (var type in chosen)
{
    var summary = BenchmarkRunner.Run(type, Configuration.Short);
    Console.WriteLine($"\n{type.Name}: {summary.TotalTime.TotalSeconds:f0} s");
    MarkdownExporter.Console.ExportToLog(summary, ConsoleLogger.Default);
    ContentComparison.Print(summary);
    foreach (var error in summary.ValidationErrors.Where(error => error.IsCritical))
        Console.Error.WriteLine(error.Message);
    failed |= summary.Reports.IsEmpty || summary.Reports.Any(report => !report.Success);
}
if (isDockerChosen)
    failed |= !await DockerPairs.RunAsync();
return failed ? 1 : 0;
