using System.Globalization;
using Lamina.Storage.Operations;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Lamina.Hosting;

/// <summary>
/// The log for people: an event a line, with the id of the call that it belongs to, and nothing else of scopes, where the web server says much about itself. Under
/// systemd, whose journal has a time of its own, a line begins with the level that the journal understands instead.
/// </summary>
internal sealed class CallFormatter(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    /// <summary>What it is chosen by.</summary>
    internal const string FormatterName = "lamina";

    private readonly bool _isJournal = SystemdHelpers.IsSystemdService();

    /// <inheritdoc/>
    public override void Write<TState>(in LogEntry<TState> entry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var (name, priority) = NameOf(entry.LogLevel);
        if (_isJournal)
            textWriter.Write(string.Create(CultureInfo.InvariantCulture, $"<{priority}>"));
        else
            textWriter.Write(time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ ", CultureInfo.InvariantCulture) + name + ": ");
        textWriter.Write(string.Create(CultureInfo.InvariantCulture, $"{entry.Category}[{entry.EventId.Id}]"));
        scopeProvider?.ForEachScope(WriteCall, textWriter);
        var message = entry.Formatter(entry.State, entry.Exception);
        textWriter.Write(' ');
        textWriter.Write(OnOneLine(message));
        if (entry.Exception is { } exception)
            textWriter.Write(' ' + OnOneLine(exception.ToString()));
        textWriter.Write('\n');
    }

    private static void WriteCall(object? scope, TextWriter text)
    {
        if (scope is IReadOnlyList<KeyValuePair<string, object?>> pairs && pairs.FirstOrDefault(pair => pair.Key == CallScope.Key).Value is string call)
            text.Write($" => call {call}");
    }

    private static string OnOneLine(string text) => text.Replace(Environment.NewLine, " ", StringComparison.Ordinal);

    private static (string Name, int Priority) NameOf(LogLevel level) => level switch
    {
        LogLevel.Critical => ("crit", 2),
        LogLevel.Error => ("fail", 3),
        LogLevel.Warning => ("warn", 4),
        LogLevel.Information => ("info", 6),
        LogLevel.Debug => ("dbug", 7),
        _ => ("trce", 7),
    };
}
