using System.Net;
using Lamina.Storage;

namespace Lamina.Hosting;

/// <summary>Reads the addresses that the configuration names.</summary>
internal static class ListenAddress
{
    /// <summary>Reads <c>unix:///run/x.sock</c>, or the same without the scheme, as old sidecars write it.</summary>
    internal static bool TryParseUnix(string text, out string path)
    {
        path = text.StartsWith("unix://", StringComparison.Ordinal) ? text["unix://".Length..] : text;
        // sun_path holds 108 bytes with the NUL; see unix(7).
        return MountTarget.TryParse(path, out _) && System.Text.Encoding.UTF8.GetByteCount(path) < 108;
    }

    /// <summary>Reads <c>127.0.0.1:9810</c> or <c>[::1]:9810</c>; <c>none</c> gives null.</summary>
    internal static bool TryParseTcp(string text, out IPEndPoint? endpoint)
    {
        endpoint = null;
        return text == "none" || (text.Contains(':', StringComparison.Ordinal) && IPEndPoint.TryParse(text, out endpoint));
    }
}
