using CsCheck;
using Google.Protobuf.Reflection;

namespace Lamina.Tests.Fuzz;

/// <summary>The texts that messages are made of: what means something to the daemon, what nearly does, and what nobody should ever send.</summary>
internal sealed class Vocabulary
{
    private const string Kubernetes = "csi.storage.k8s.io/";

    private static readonly string[] Hostile =
    [
        "", " ", ".", "..", "/", "../../outside/file", "a/../../b", "a\0b", "\0", "\u0001\u001f\u007f\u0085", "line\nforged OK", "\u202Eabc", "e\u0301", "😀", "\uFFFF", "\uFFFD",
        "%2e%2e%2f", "$(touch outside)", "'; --", "{}", "-rf", "--help", "a,b:c\\d=e", "lowerdir=/,upperdir=/", "İI", "NaN", "-1", "1e309", "99999999999999999999", "10Ei", "0", "4294967295", "07777",
        new string('x', 127), new string('x', 129), new string('é', 70), new string('/', 4095), new string('z', 5000),
    ];

    private static readonly string[] Keys =
    [
        "pool", "compression", "copyOnWrite", "source", "uid", "gid", "mode", "size", "fsType", "topology.lamina.dev/node", "kubernetes.io/hostname",
        Kubernetes + "pvc/name", Kubernetes + "pv/name", Kubernetes + "ephemeral", Kubernetes + "pod.uid", Kubernetes + "serviceAccount.tokens", "storage.kubernetes.io/csiProvisionerIdentity",
    ];

    private static readonly string[] Plain = ["zstd", "lzo", "none", "true", "false", "1000", "0750", "1Gi", "1Mi", Csi.CsiDaemon.Node, "ext4", "xfs", "btrfs", "overlay2", "default", "tree", "noatime", "ro", "nodev", "suid"];
    private readonly Gen<string> _ids;
    private readonly Gen<string> _paths;
    private readonly Gen<string> _any;
    private readonly Gen<string> _saneIds;
    private readonly string[] _stagings;
    private readonly string[] _targets;
    private readonly string[] _directories;

    /// <param name="ids">Ids and names of what may be changed.</param>
    /// <param name="kept">Ids and names of what must not change: only near misses of them are sent.</param>
    /// <param name="paths">Paths that a kubelet would send, and ones that it should not.</param>
    /// <param name="directories">Directories that bind volumes may be made of.</param>
    internal Vocabulary(string[] ids, string[] kept, string[] paths, string[] directories)
    {
        _directories = directories;
        // Few, so that calls meet each other's objects and places.
        _saneIds = Gen.OneOf<string>([.. ids.Where(id => id.Contains("new-", StringComparison.Ordinal)), .. ids.Take(8)]);
        _stagings = [.. paths.Where(path => Path.GetFileName(path).StartsWith("staging-", StringComparison.Ordinal)).Take(2)];
        _targets = [.. paths.Where(path => path.EndsWith("/mount", StringComparison.Ordinal) && !path.Contains("/link/", StringComparison.Ordinal))];
        var misses = Gen.Select(Gen.OneOf<string>([.. kept, .. ids]), Gen.Int[0, 9], Miss);
        _ids = Gen.Frequency<string>((6, Gen.OneOf<string>(ids)), (2, misses), (1, Gen.OneOf<string>(Hostile)));
        _paths = Gen.Frequency<string>((6, Gen.OneOf<string>(paths)), (1, Gen.Select(Gen.OneOf<string>(paths), Gen.OneOf<string>(Hostile), (path, tail) => $"{path}/{tail}")), (1, Gen.OneOf<string>(Hostile)));
        _any = Gen.Frequency<string>((3, _ids), (2, Gen.OneOf<string>(Plain)), (1, Gen.OneOf<string>(Hostile)), (1, Gen.String));
    }

    /// <summary>A text for a field, by its name.</summary>
    internal Gen<string> Text(FieldDescriptor field, bool sane)
    {
        if (sane)
        {
            return field.Name switch
            {
                "fs_type" or "starting_token" or "volume_mount_group" => Gen.Const(""),
                "mount_flags" => Gen.OneOf<string>("noatime", "nodev"),
                "staging_target_path" => Gen.OneOf<string>(_stagings),
                "target_path" or "volume_path" => Gen.OneOf<string>(_targets),
                "pool" => Gen.OneOf<string>("default", "tree"),
                "name" => Gen.Int[0, 9].Select(number => $"new-{number}"),
                _ when field.Name.EndsWith("path", StringComparison.Ordinal) => _paths,
                _ => _saneIds,
            };
        }
        var likely = field.Name.EndsWith("path", StringComparison.Ordinal) || field.Name == "image" ? _paths
            : field.Name is "fs_type" ? Gen.Frequency<string>((5, Gen.Const("")), (1, Gen.OneOf<string>(Plain)))
            : field.Name is "mount_flags" ? Gen.Frequency<string>((3, Gen.OneOf<string>("noatime", "ro", "nodev")), (1, _any))
            : field.Name is "volume_mount_group" ? Gen.Frequency<string>((3, Gen.Const("")), (2, Gen.OneOf<string>(Plain)))
            : field.Name is "starting_token" ? Gen.Frequency<string>((2, Gen.Const("")), (1, _any))
            : field.Name is "pool" or "backend" ? Gen.OneOf<string>("default", "tree", "bind", "gone", "overlay2", "btrfs")
            : _ids;
        return Gen.Frequency<string>((9, likely), (1, _any));
    }

    /// <summary>Keys and values of a map.</summary>
    internal Gen<(string Key, string Value)> Pairs(string field, bool sane)
    {
        if (sane && field is ("parameters" or "segments" or "attributes" or "mutable_parameters" or "volume_context"))
        {
            var key = field switch
            {
                "parameters" => Gen.OneOf<string>("pool", Kubernetes + "pvc/name"),
                "segments" => Gen.Const("topology.lamina.dev/node"),
                "volume_context" => Gen.OneOf<string>(Kubernetes + "ephemeral", Kubernetes + "pod.uid"),
                _ => Gen.Const("compression"),
            };
            return key.SelectMany(name => Likely(name).Select(value => (Key: name, Value: value)));
        }
        var known = Gen.OneOf<string>(Keys).SelectMany(key => Gen.Frequency<string>((5, Likely(key)), (1, _any)).Select(value => (Key: key, Value: value)));
        return Gen.Frequency<(string Key, string Value)>((8, known), (1, Gen.Select(_any, _any, static (key, value) => (Key: key, Value: value))));
    }

    private Gen<string> Likely(string key) => key switch
    {
        "pool" => Gen.OneOf<string>("default", "tree", "bind", "gone"),
        "source" => Gen.OneOf<string>(_directories),
        "compression" => Gen.OneOf<string>("zstd", "none", "lzo"),
        "copyOnWrite" or Kubernetes + "ephemeral" => Gen.OneOf<string>("true", "false"),
        "mode" => Gen.OneOf<string>("0755", "0700"),
        "topology.lamina.dev/node" => Gen.Const(Csi.CsiDaemon.Node),
        _ => Gen.OneOf<string>(Plain),
    };

    /// <summary>Nearly the same, and so something else: no two of these lead back to where they came from.</summary>
    internal static string Miss(string text, int how) => how switch
    {
        0 => text.ToUpperInvariant(),
        1 => $"{text}/",
        2 => $"../{text}",
        3 => $"{text}\0",
        4 => $" {text}",
        5 => text.Replace('.', '/'),
        6 => $"{text}.{text}",
        7 => $"{text}\u200B",
        8 => $"{text}x",
        _ => $"./{text}/../{text}",
    };
}
