using Microsoft.Extensions.Logging.Testing;

namespace Lamina.Tests.Csi;

/// <summary>What the requests of the whole suite carry where a secret or a token may stand, and no log may tell.</summary>
internal static class PlantedSecrets
{
    internal const string Value = "pLaNtEd-By-A-FiXtUrE";
    internal const string TokenKey = "csi.storage.k8s.io/serviceAccount.tokens";

    /// <exception cref="InvalidOperationException">The log has one; says in which line.</exception>
    internal static void CheckNoneIn(FakeLogCollector log)
    {
        if (log.GetSnapshot().FirstOrDefault(line => Tells(line, Value)) is { } line)
            throw new InvalidOperationException($"a secret was logged by {line.Category}: {line.Message} {line.Exception}");
    }

    /// <summary>Whether a line of a log, or anything that hangs on it, has a text.</summary>
    internal static bool Tells(FakeLogRecord line, string text) =>
        new[] { line.Message, line.Exception?.ToString() }.Concat((line.State as IEnumerable<KeyValuePair<string, string?>>)?.Select(pair => pair.Value) ?? []).Concat(line.Scopes.Select(scope => scope?.ToString()))
            .Any(part => part?.Contains(text, StringComparison.OrdinalIgnoreCase) == true);
}
