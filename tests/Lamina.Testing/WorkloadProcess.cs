using System.Diagnostics;

namespace Lamina.Testing;

/// <summary>A process of <c>tests/Lamina.Workload</c>, or another one that behaves so. It ends with the test.</summary>
public sealed class WorkloadProcess : IDisposable
{
    private readonly Process _process;

    private WorkloadProcess(Process process) => _process = process;

    /// <summary>The program of the workloads.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "Lamina.Workload");

    public int Pid => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>The first line that it said.</summary>
    public string FirstLine { get; private set; } = "";

    /// <summary>Starts a workload and waits until it is ready.</summary>
    public static Task<WorkloadProcess> StartAsync(params string[] arguments) => StartProgramAsync(Program, arguments);

    /// <summary>Starts another program and waits for its first line.</summary>
    public static async Task<WorkloadProcess> StartProgramAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, WorkingDirectory = "/" };
#pragma warning disable RS0030 // A ChildProcess is waited for, and a CompanionProcess can't be heard.
        var workload = new WorkloadProcess(Process.Start(start)!);
#pragma warning restore RS0030
        try
        {
            workload.FirstLine = await workload._process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException(
                $"{program} {string.Join(' ', arguments)} ended without a word");
            return workload;
        }
        catch
        {
            workload.Dispose();
            throw;
        }
    }

    /// <summary>Ends its input, which ends it in an orderly way.</summary>
    public async Task EndAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
    }

    /// <summary>Kills it, even when it is stopped.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
    }
}
