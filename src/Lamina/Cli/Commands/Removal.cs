using Google.Protobuf;

namespace Lamina.Cli.Commands;

/// <summary>Deletes several objects: each is tried, whatever became of the others, and the first failure is the exit code.</summary>
internal static class Removal
{
    /// <summary>Deletes what is named.</summary>
    internal static async Task RunAsync<T>(Session session, IReadOnlyList<string> names, Func<string, Task<T>> remove)
        where T : IMessage
    {
        var removed = new List<T>();
        CommandFailure? first = null;
        foreach (var name in names.Distinct())
        {
            try
            {
                removed.Add(await remove(name));
                if (!session.Output.IsJson)
                    session.Output.Value(name);
            }
            catch (Exception e) when (session.Translate(e) is { } failure)
            {
                session.Output.Error(failure.Message);
                first ??= failure;
                if (failure.Code is ExitCode.Interrupted or ExitCode.NotPermitted)
                    break;
            }
        }
        if (session.Output.IsJson)
            session.Output.Show(removed, () => new Spectre.Console.Table());
        if (first is not null)
            throw new CommandFailure(first.Code, "");
    }
}
