using System.Text;

namespace Lamina.Storage;

/// <summary>
/// What an encrypted volume is opened with: a passphrase of 8 to 512 bytes. It is kept nowhere, and nothing that prints it says more than that there is one.
/// </summary>
public sealed class VolumeKey
{
    /// <summary>The name that it goes by among the secrets of a call.</summary>
    public const string SecretName = "encryptionKey";

    private const int MinLength = 8;
    private const int MaxLength = 512;
    private readonly string _passphrase;

    private VolumeKey(string passphrase) => _passphrase = passphrase;

    /// <summary>Finds it among secrets; null when it is not there.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.InvalidArgument"/>: it can't be one.</exception>
    public static VolumeKey? Find(IEnumerable<KeyValuePair<string, string>> secrets)
    {
        if (secrets.FirstOrDefault(secret => secret.Key == SecretName).Value is not { } text)
            return null;
        // A file that a secret is made from has an end of a line, as a rule.
        var passphrase = text.EndsWith('\n') ? text[..^1] : text;
        return Encoding.UTF8.GetByteCount(passphrase) is >= MinLength and <= MaxLength && !passphrase.Any(char.IsControl)
            ? new VolumeKey(passphrase)
            : throw new StorageException(StorageError.InvalidArgument, $"the secret '{SecretName}' must be a passphrase of {MinLength} to {MaxLength} bytes in one line, without control characters");
    }

    /// <summary>The passphrase as one line, for a command to read.</summary>
    internal string ToLine() => _passphrase + "\n";

    /// <summary>That there is one.</summary>
    public override string ToString() => "(a secret)";
}
