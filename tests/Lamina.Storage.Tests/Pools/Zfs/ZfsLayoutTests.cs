using Lamina.Storage.Pools.Zfs;

namespace Lamina.Storage.Tests.Pools.Zfs;

/// <summary>Where things of a pool are, whatever its root is called.</summary>
public sealed class ZfsLayoutTests
{
    private static readonly ObjectKey s_key = ObjectKey.FromName("a");

    [Theory]
    [InlineData("tank/lamina")]
    [InlineData("tank/a.incoming.b")]
    [InlineData("tank/a.trash.b/c.incoming.d")]
    public void Trash_OfWhatWasBeingBuilt_IsBeneathTheRoot(string root)
    {
        var layout = ZfsLayout.Of(root);

        var plain = layout.NewTrash(layout.NewIncoming(s_key, isEncrypted: false));
        var encrypted = layout.NewTrash(layout.NewIncoming(s_key, isEncrypted: true));

        Assert.StartsWith($"{root}/trash/", plain, StringComparison.Ordinal);
        Assert.StartsWith($"{root}/volumes/a.trash.", encrypted, StringComparison.Ordinal);
        Assert.True(layout.IsTrash(plain) && layout.IsTrash(encrypted));
    }

    [Fact]
    public void Name_ThatWeGive_IsToldFromOthers()
    {
        var layout = ZfsLayout.Of("tank/lamina");
        string[] ours =
        [
            layout.NewIncoming(s_key, isEncrypted: false), layout.NewIncoming(s_key, isEncrypted: true), layout.NewTrash(s_key, isEncrypted: false),
            layout.NewTrash(s_key, isEncrypted: true), layout.NewTrash(layout.NewIncoming(s_key, isEncrypted: false)),
        ];
        string[] others = ["incoming/a", "incoming/abcdefghijklm", "trash/abcdefghijklm", "incoming/unfinished:a", "incoming/a.abcdefghijklm", "trash/a", "trash/a.b.abcdefghijklm", "trash/A.abcdefghijklm", "volumes/a.trash.b", "volumes/a", "incoming/unfinished:abcdefghijklm/unfinished:abcdefghijklm"];

        Assert.All(ours, name => Assert.True(layout.IsNamedByUs(name), name));
        Assert.All(others, name => Assert.False(layout.IsNamedByUs($"tank/lamina/{name}"), name));
        // What was a volume has its record.
        Assert.Equal([ours[2]], ours.Where(name => !layout.IsNamedUnfinished(name)));
    }
}
