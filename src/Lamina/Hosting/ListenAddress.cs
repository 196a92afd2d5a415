using System.Net;
using System.Text;
using Lamina.Storage;

namespace Lamina.Hosting;

/// <summary>Reads the addresses that the configuration names.</summary>
internal static class ListenAddress
{
    // sun_path holds 108 bytes with the NUL; see unix(7).
    private const int LongestPath = 107;

    /// <summary>Reads <c>unix:///run/x.sock</c>, or the same without the scheme, as old sidecars write it.</summary>
    internal static bool TryParseUnix(string text, out string path)
    {
        path = text.StartsWith("unix://", StringComparison.Ordinal) ? text["unix://".Length..] : text;
        return MountTarget.TryParse(path, out _);
    }

    /// <summary>Why no socket can be at a path; null when one can.</summary>
    internal static string? ProblemOf(string path) => Encoding.UTF8.GetByteCount(path) is var length && length > LongestPath
        ? FormattableString.Invariant($"which is {length} bytes long; the path of a socket has at most {LongestPath}: choose a shorter one")
        : null;

    /// <summary>Reads <c>127.0.0.1:9810</c> or <c>[::1]:9810</c>; <c>none</c> gives null. A port 0, when it is written, is one that the kernel chooses.</summary>
    internal static bool TryParseTcp(string text, out IPEndPoint? endpoint)
    {
        endpoint = null;
        // Without a port an IPv6 address is one too: its last part is no port.
        var address = text[..Math.Max(0, text.LastIndexOf(':'))];
        return text == "none" || ((address is ['[', .., ']'] || address.Contains('.')) && IPEndPoint.TryParse(text, out endpoint));
    }
}
