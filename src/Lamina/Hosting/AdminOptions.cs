namespace Lamina.Hosting;

/// <summary>The command line's door.</summary>
internal sealed class AdminOptions
{
    /// <summary>Its socket; empty: <c>admin.sock</c> in the runtime directory.</summary>
    [AbsolutePath]
    public string Socket { get; set; } = "";
}
