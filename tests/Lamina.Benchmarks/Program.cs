using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using Lamina.Benchmarks;
using Lamina.Testing;

// All of them, or those whose names begin with an argument: Create, Concurrent, Attach, Snapshot, Delete.
Type[] all = [typeof(CreateBenchmarks), typeof(ConcurrentCreateBenchmarks), typeof(AttachBenchmarks), typeof(SnapshotBenchmarks), typeof(DeleteBenchmarks)];
var chosen = all.Where(type => args.Length == 0 || args.Any(name => type.Name.StartsWith(name, StringComparison.OrdinalIgnoreCase))).ToList();
using var leaks = new HostLeakCheck();
var failed = chosen.Count == 0;
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
return failed ? 1 : 0;
