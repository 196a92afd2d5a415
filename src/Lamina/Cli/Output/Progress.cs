using Spectre.Console;

namespace Lamina.Cli.Output;

/// <summary>Shows a person that something takes its time, and how much already. Nothing where it is quick or nobody looks.</summary>
internal sealed class Progress(CliHost host)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(200);

    /// <summary>Waits for a result.</summary>
    internal async Task<T> ShowAsync<T>(string what, Task<T> task)
    {
        if (!host.ErrorIsTerminal)
            return await task;
        var start = host.Time.GetTimestamp();
        if (await Task.WhenAny(task, Task.Delay(Patience, host.Time)) != task)
            await SpinAsync(what, task, start);
        return await task;
    }

    private Task SpinAsync(string what, Task task, long start)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(host.Error), Ansi = AnsiSupport.Yes, Interactive = InteractionSupport.Yes });
        return console.Status().Spinner(Spinner.Known.Dots).StartAsync(Text(), async status =>
        {
            while (await Task.WhenAny(task, Task.Delay(Step, host.Time)) != task)
                status.Status(Text());
        });

        string Text() => Markup.Escape($"{PlainText.Of(what)} ... {Duration.Age(host.Time.GetElapsedTime(start))}");
    }
}
