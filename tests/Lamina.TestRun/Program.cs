using Lamina.TestRun;

// Without arguments that name programs, all that a host can run are run, each with all arguments. Else those that are named, each with the arguments
// that follow its name: Lamina.Storage.Tests --filter-class '*Overlay*' Lamina.Linux.Tests.
string[] everyHost = ["Lamina.Linux.Tests", "Lamina.Storage.Tests", "Lamina.Chart.Tests", "Lamina.Tests"];
var bin = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", ".."));
var configuration = Path.GetFileName(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));

var runs = new List<TestProgramRun>();
foreach (var (program, arguments) in Selection.Of(args, everyHost, name => Directory.Exists(Path.Combine(bin, name))))
    runs.Add(await TestProgramRun.StartAsync(Path.Combine(bin, program, configuration, program), arguments));

Summary.Print(runs);
return runs.All(run => run.Succeeded) ? 0 : 1;
