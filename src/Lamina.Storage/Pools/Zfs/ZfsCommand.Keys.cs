namespace Lamina.Storage.Pools.Zfs;

/// <content>Encryption. A key goes to a command by its standard input, and never by an argument, which everybody on the host could read.</content>
internal sealed partial class ZfsCommand
{
    private static readonly (string Name, string Value)[] s_promptedKey = [("keyformat", "passphrase"), ("keylocation", "prompt")];

    /// <summary>Makes a dataset that is encrypted by a key of its own.</summary>
    internal Task CreateEncryptedAsync(string dataset, IEnumerable<string> shape, IEnumerable<(string Name, string Value)> properties, string encryption, VolumeKey key) =>
        ChangeAsync(key, ["create", .. shape, .. Options([("encryption", encryption), .. s_promptedKey, .. properties]), dataset]);

    /// <summary>Whose key opens a dataset, and whether it is there.</summary>
    /// <returns>Null for one that is not encrypted.</returns>
    internal async Task<(string Root, bool IsAvailable)?> FindKeyAsync(string dataset)
    {
        var known = new ZfsObject(dataset, await GetAsync(dataset, deep: false, ["encryptionroot", "keystatus"], CancellationToken.None).ConfigureAwait(false));
        return known.Value("encryptionroot") is { } root ? (root, known.Value("keystatus") == "available") : null;
    }

    /// <summary>Makes the data of a dataset readable by its own key. That it is so already is fine.</summary>
    internal async Task LoadKeyAsync(string dataset, VolumeKey key)
    {
        try
        {
            await ChangeAsync(key, ["load-key", dataset]).ConfigureAwait(false);
        }
        catch (ZfsFailure e) when (e.IsLoadedAlready)
        {
        }
    }

    /// <summary>Refuses a key that does not open a dataset, whether it is readable already or not, and leaves that as it is.</summary>
    internal Task CheckKeyAsync(string dataset, VolumeKey key) => ChangeAsync(key, ["load-key", "-n", dataset]);

    /// <summary>Makes the data of a dataset unreadable until its key is given again. That it is so already is fine.</summary>
    internal async Task UnloadKeyAsync(string dataset)
    {
        try
        {
            await ChangeAsync("unload-key", dataset).ConfigureAwait(false);
        }
        catch (ZfsFailure e) when (e.IsUnloadedAlready)
        {
        }
    }
}
