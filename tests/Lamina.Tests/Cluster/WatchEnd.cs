namespace Lamina.Tests.Cluster;

/// <summary>How a watch ends.</summary>
internal enum WatchEnd
{
    /// <summary>As every watch does after some minutes.</summary>
    Finish,

    /// <summary>With the word that its version is forgotten.</summary>
    Expire,

    /// <summary>With its connection.</summary>
    Cut,
}
