using System.Globalization;
using Google.Protobuf.WellKnownTypes;

namespace Lamina.Cli;

/// <summary>Moments for people.</summary>
internal static class Times
{
    /// <summary>Such as <c>2026-07-27 10:15:30Z</c>.</summary>
    internal static string Text(Timestamp time) => time.ToDateTime().ToString("u", CultureInfo.InvariantCulture);
}
