namespace Lamina.Storage.Attachments;

/// <summary>Where attachments live.</summary>
/// <param name="RuntimeDirectory">The directory for mounts and holders, which do not outlive a boot.</param>
public sealed record AttachmentOptions(string RuntimeDirectory)
{
    /// <summary>Where it is on a host.</summary>
    public const string DefaultRuntimeDirectory = "/run/lamina";
}
