using System.CommandLine;
using Lamina.Cli.Doctor;
using Lamina.Cli.Output;
using Spectre.Console;

namespace Lamina.Cli.Commands;

/// <summary><c>lamina doctor</c>: what this host can do, what is missing and how to get it, with a daemon or without.</summary>
internal static class DoctorCommand
{
    /// <summary>Builds the command.</summary>
    internal static Command Build(CliHost host, GlobalOptions globals)
    {
        var command = new Command("doctor", "Check what this host can do, what is missing and how to get it; exit code 1 when something needed is missing");
        Session.SetAction(command, host, globals, async session =>
        {
            List<V1.Check> checks = [.. HostChecks.Judge(HostFacts.Read(host)), .. await AskDaemonAsync(session)];
            session.Output.Show(checks, () => Draw(checks));
            if (checks.Any(check => check.Status == V1.CheckStatus.Problem))
                throw new CommandFailure(ExitCode.Failed, "something that is needed is missing or broken");
        });
        return command;
    }

    private static async Task<IEnumerable<V1.Check>> AskDaemonAsync(Session session)
    {
        try
        {
            var answer = await session.WaitAsync("asking the daemon", session.Daemon.Doctor.CheckAsync(new V1.CheckRequest(), session.Call));
            var same = answer.Version == LaminaVersion.Text;
            return
            [
                new V1.Check
                {
                    Name = "daemon",
                    Status = same ? V1.CheckStatus.Ok : V1.CheckStatus.Warning,
                    Detail = same ? $"version {answer.Version} at {session.Daemon.Socket}" : $"version {answer.Version}, this program is {LaminaVersion.Text}",
                },
                .. answer.Checks,
            ];
        }
        catch (Exception e) when (session.Translate(e) is { Code: not ExitCode.Interrupted } failure)
        {
            // Not a problem by itself: whoever is about to install it asks as well.
            return [new V1.Check { Name = "daemon", Status = V1.CheckStatus.Warning, Detail = failure.Message }];
        }
    }

    private static Table Draw(IEnumerable<V1.Check> checks)
    {
        var table = CommandOutput.NewTable("CHECK", "STATUS", "DETAIL");
        foreach (var check in checks)
        {
            var (word, colour) = check.Status switch
            {
                V1.CheckStatus.Ok => ("ok", Color.Green),
                V1.CheckStatus.Warning => ("warning", Color.Yellow),
                _ => ("PROBLEM", Color.Red),
            };
            table.AddRow(new Text(PlainText.Of(check.Name)), new Text(word, new Style(colour)), new Text(PlainText.Of(check.Detail)));
            if (check.HasAdvice)
                table.AddRow(new Text(""), new Text(""), new Text("-> " + PlainText.Of(check.Advice), new Style(decoration: Decoration.Bold)));
        }
        return table;
    }
}
