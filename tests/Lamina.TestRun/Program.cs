using Lamina.TestRun;

// Test programs that own the host (container engines, pauses) would run alone here; so far all of them may share it.
string[] programs = ["Lamina.Linux.Tests", "Lamina.Storage.Tests", "Lamina.Chart.Tests", "Lamina.Tests"];
var bin = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", ".."));
var configuration = Path.GetFileName(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));

var runs = new List<TestProgramRun>();
foreach (var program in programs)
    runs.Add(await TestProgramRun.StartAsync(Path.Combine(bin, program, configuration, program), args));

Summary.Print(runs);
return runs.All(run => run.Succeeded) ? 0 : 1;
