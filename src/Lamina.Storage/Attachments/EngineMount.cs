namespace Lamina.Storage.Attachments;

/// <summary>What a container engine mounts a volume as.</summary>
/// <param name="Door">The door that it comes through.</param>
/// <param name="Engine">The engine.</param>
/// <param name="Id">Its id for the mount.</param>
public readonly record struct EngineMount(Door Door, ContainerEngine Engine, string Id)
{
    internal HolderIdentity Identity => new(Door, HolderKind.Engine, Id);
}
