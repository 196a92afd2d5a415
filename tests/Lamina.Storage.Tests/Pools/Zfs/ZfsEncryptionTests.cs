using Lamina.Storage.Pools;
using Lamina.Storage.Pools.Zfs;
using Lamina.Testing;
using Lamina.Testing.Pools;

namespace Lamina.Storage.Tests.Pools.Zfs;

/// <summary>Volumes that are encrypted by a key of their own, by dialogues with OpenZFS: zfs-fuse has no encryption.</summary>
public sealed class ZfsEncryptionTests : IAsyncLifetime
{
    private const string Root = ScriptedZfsPool.Root;
    private const string Passphrase = "correct horse battery";
    private static readonly VolumeKey s_key = VolumeKey.Find([new(VolumeKey.SecretName, Passphrase)])!;
    private readonly ScriptedZfsPool _scripted = new($"{Root}\tused\t1000\t-\n{Root}\tavailable\t9000\t-\n", "ONLINE\t1\n", "");

    private ScriptedZfs Script => _scripted.Script;

    private IPool Pool => _scripted.Pool;

    public async ValueTask InitializeAsync()
    {
        Script.On("zfs load-key *").On("zfs unload-key *");
        await Pool.LoadAsync(default);
        Pool.FoundAllAttached();
    }

    public ValueTask DisposeAsync() => _scripted.DisposeAsync();

    [Fact]
    public async Task Create_Encrypted_GivesTheKeyToTheCommandToReadAndLocksTheVolumeAgain()
    {
        await CreateAsync("a");

        var create = Assert.Single(Script.Asked, line => line.StartsWith("zfs create", StringComparison.Ordinal));
        Assert.StartsWith("zfs create -o encryption=aes-256-gcm -o keyformat=passphrase -o keylocation=prompt ", create, StringComparison.Ordinal);
        Assert.Equal([$"{create} < {Passphrase}"], Script.Read);
        var changes = Changes();
        Assert.Equal([create, $"zfs rename {create.Split(' ')[^1]} {Root}/volumes/a", $"zfs unload-key {Root}/volumes/a"], changes);
        Assert.StartsWith($"{Root}/volumes/a.incoming.", create.Split(' ')[^1], StringComparison.Ordinal);
        Assert.DoesNotContain(Script.Asked, line => line.Contains(Passphrase, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Attach_OfALockedVolume_NeedsItsKeyAndLocksItAgainInTheEnd()
    {
        var volume = await CreateAsync("a");
        Status("a", "unavailable");

        var refused = await Assert.ThrowsAsync<StorageException>(() => Pool.UnlockAsync(volume, null));
        await Pool.UnlockAsync(volume, s_key);
        Status("a", "available");
        await Pool.DetachedAsync(volume);

        Assert.Equal(StorageError.FailedPrecondition, refused.Error);
        Assert.Contains("'encryptionKey'", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"zfs load-key {Root}/volumes/a < {Passphrase}", Script.Read);
        Assert.Equal(2, Script.Asked.Count(line => line == $"zfs unload-key {Root}/volumes/a"));
    }

    [Fact]
    public async Task Attach_OfAVolumeThatIsReadableAlready_NeedsNoKeyButRefusesAnother()
    {
        var volume = await CreateAsync("a");
        Status("a", "available");
        Script.On($"zfs load-key -n {Root}/volumes/a", (255, "", $"Key load error: Incorrect key provided for '{Root}/volumes/a'.\n"));

        await Pool.UnlockAsync(volume, null);

        Assert.Equal(StorageError.InvalidArgument, (await Assert.ThrowsAsync<StorageException>(() => Pool.UnlockAsync(volume, s_key))).Error);
        Assert.DoesNotContain($"zfs load-key {Root}/volumes/a", Script.Asked);
    }

    [Fact]
    public async Task Detach_OfAVolumeWhoseKeyCantGo_Succeeds()
    {
        var volume = await CreateAsync("a");
        Script.On($"zfs unload-key {Root}/volumes/a", (255, "", $"Key unload error: '{Root}/volumes/a' is busy.\n"));

        await Pool.DetachedAsync(volume);
    }

    [Fact]
    public async Task Copy_OfAnEncryptedVolume_IsMadeByWhoKnowsTheKeyWithoutLoadingIt()
    {
        var volume = await CreateAsync("a");
        Status("a", "unavailable");

        await Pool.CreateVolumeAsync(NewVolume("b"), new VolumeContent.OfVolume(new VolumeInUse(volume, null)) { Key = s_key });

        var changes = Changes().SkipWhile(line => !line.StartsWith("zfs snapshot", StringComparison.Ordinal)).ToList();
        Assert.Equal(["snapshot", "load-key", "clone", "rename"], changes.Select(line => line.Split(' ')[1]));
        Assert.Equal($"zfs load-key -n {Root}/volumes/a", changes[1]);
        Assert.EndsWith($" {Root}/volumes/b", changes[3], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copy_WhoseKeyAnotherHolds_IsUnlockedAndLockedByThatOne()
    {
        var copy = NewVolume("b");
        Status("b", "unavailable", owner: "a.trash.abcdefghijklm");
        await Pool.UnlockAsync(copy, s_key);
        Status("b", "available", owner: "a.trash.abcdefghijklm");

        await Pool.DetachedAsync(copy);

        Assert.Equal([$"zfs load-key {Root}/volumes/a.trash.abcdefghijklm", $"zfs unload-key {Root}/volumes/a.trash.abcdefghijklm"], Changes());
    }

    // They have one key for all.
    [Fact]
    public async Task Detach_OfOneOfTwoWithOneKey_LeavesItToTheOther()
    {
        var (first, second) = (NewVolume("a"), NewVolume("b"));
        Status("a", "unavailable", owner: "b");
        Status("b", "unavailable");
        await Pool.UnlockAsync(first, s_key);
        Status("a", "available", owner: "b");
        Status("b", "available");
        await Pool.UnlockAsync(second, s_key);

        await Pool.DetachedAsync(first);
        Assert.DoesNotContain($"zfs unload-key {Root}/volumes/b", Script.Asked);

        await Pool.DetachedAsync(second);
        Assert.Contains($"zfs unload-key {Root}/volumes/b", Script.Asked);
    }

    [Fact]
    public async Task Detach_OfOneWhoseKeyAnotherHasThatWasFoundAttached_LeavesItToThatOne()
    {
        Status("a", "available", owner: "b");
        Status("b", "available");
        Pool.FoundAttached(NewVolume("a"));
        await Pool.UnlockAsync(NewVolume("b"), s_key);

        await Pool.DetachedAsync(NewVolume("b"));
        Assert.DoesNotContain($"zfs unload-key {Root}/volumes/b", Script.Asked);

        await Pool.DetachedAsync(NewVolume("a"));
        Assert.Contains($"zfs unload-key {Root}/volumes/b", Script.Asked);
    }

    // Of a daemon that was killed, or whose pool was not served when the last one was detached.
    [Fact]
    public async Task Key_ThatIsLoadedThoughNobodyUsesIt_GoesBehindTheScenes()
    {
        Status("a", "available");
        Status("b", "available");
        await Pool.UnlockAsync(NewVolume("b"), s_key);
        // One that somebody has brought, and has unlocked for himself.
        Status("mine", "available");
        Script.On("zfs get -Hp -r *", InventoryOf("b", "a") + Locked("mine", "available"));

        // Whoever is detached has the pool looked after.
        await Pool.DetachedAsync(NewVolume("c") with { Parameters = VolumeParameters.None });

        // In the order of the list, so the others come before it.
        await Eventually.TrueAsync(() => Script.Asked.Contains($"zfs unload-key {Root}/volumes/a"), "the key goes");
        await _scripted.DisposeAsync();
        Assert.DoesNotContain($"zfs unload-key {Root}/volumes/b", Script.Asked);
        Assert.DoesNotContain($"zfs unload-key {Root}/volumes/mine", Script.Asked);
    }

    // Any of them may be attached, and nobody need have its device open: without its key that would go, and its number to the next one.
    [Fact]
    public async Task Key_BeforeItIsToldWhatWasFoundAttached_StaysWhateverHappens()
    {
        await using var scripted = new ScriptedZfsPool(InventoryOf("b", "a"), "ONLINE\t1\n", "", script => script.On("zfs load-key *").On("zfs unload-key *"));
        foreach (var name in (string[])["a", "b"])
            scripted.Script.On(AskedOfKey(name), Locked(name, "available"));
        await scripted.Pool.LoadAsync(default);

        await scripted.Pool.DetachedAsync(NewVolume("b"));
        Assert.DoesNotContain(scripted.Script.Asked, line => line.StartsWith("zfs unload-key", StringComparison.Ordinal));

        scripted.Pool.FoundAttached(NewVolume("b"));
        scripted.Pool.FoundAllAttached();
        await Eventually.TrueAsync(() => scripted.Script.Asked.Contains($"zfs unload-key {Root}/volumes/a"), "the key of the one that is not attached goes");
        await scripted.DisposeAsync();
        Assert.DoesNotContain($"zfs unload-key {Root}/volumes/b", scripted.Script.Asked);
    }

    [Fact]
    public async Task Create_OfAnEncryptedVolumeWithoutAKey_IsRefusedAndMakesNothing()
    {
        var refused = await RefusedAsync(NewVolume("a"), new VolumeContent.Empty());

        Assert.Contains("'encryptionKey'", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Changes());
    }

    // Promoted, it has the key for all, but locked, whatever was attached.
    [Fact]
    public async Task Copy_WhoseKeyIsLoaded_IsMadeTheOwnerOnlyWhenItIsNotAnyMore()
    {
        var copy = NewVolume("b");
        var discarded = $"{Root}/volumes/a.trash.abcdefghijklm";
        Script
            .On("zfs promote *", (0, "", ""), (1, "", "cannot promote 'b': not a cloned filesystem\n"))
            .On($"zfs get -Hp -o name,property,value,source origin {Root}/volumes/b", $"{Root}/volumes/b\torigin\t{discarded}@s\t-\n")
            .On("zfs get -Hp -r *", $"{Root}\tused\t1000\t-\n{Root}\tavailable\t9000\t-\n{discarded}\tlamina:volume\t{ZfsRecords.Of(NewVolume("a")).Single().Value}\tlocal\n{discarded}@s\tlamina:snapshot\t{{}}\tlocal\n{Root}/volumes/b\torigin\t{discarded}@s\t-\n");
        Status("b", "available", owner: "a.trash.abcdefghijklm");
        await Pool.DetachedAsync(copy);
        await Eventually.TrueAsync(() => Script.Asked.Count(line => line.Contains(",keystatus ", StringComparison.Ordinal)) >= 2, "it was looked at when it was locked and when it could be promoted");
        Assert.DoesNotContain(Script.Asked, line => line.StartsWith("zfs promote", StringComparison.Ordinal));

        Status("b", "unavailable", owner: "a.trash.abcdefghijklm");
        await Pool.DetachedAsync(copy);

        await Eventually.TrueAsync(() => Script.Asked.Contains($"zfs promote {Root}/volumes/b"), "it is promoted");
    }

    // As a copy can't leave the parent that it lies in.
    [Fact]
    public async Task Delete_OfAnEncryptedVolume_LeavesItBesideTheVolumes()
    {
        var volume = await CreateAsync("a");

        await Pool.DeleteVolumeAsync(volume);

        Assert.StartsWith($"zfs rename {Root}/volumes/a {Root}/volumes/a.trash.", Changes()[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copy_ThatIsToBeEncryptedOtherwiseThanItsSource_IsRefused()
    {
        var volume = await CreateAsync("a");
        Status("a", "unavailable");
        var plain = NewVolume("c") with { Parameters = VolumeParameters.None };
        var source = new VolumeContent.OfVolume(new VolumeInUse(volume, null));

        Assert.Contains("is encrypted", (await RefusedAsync(plain, source)).Message, StringComparison.Ordinal);
        Script.On($"zfs get -Hp -o name,property,value,source encryptionroot,keystatus {Root}/volumes/a", $"{Root}/volumes/a\tencryptionroot\t-\t-\n{Root}/volumes/a\tkeystatus\t-\t-\n");
        Assert.Contains("is not encrypted", (await RefusedAsync(NewVolume("c"), source with { Key = s_key })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("short")]
    [InlineData("with a\nline break")]
    public void Key_ThatCantBeOne_IsRefusedWithoutSayingIt(string text)
    {
        var refused = Assert.Throws<StorageException>(() => VolumeKey.Find([new(VolumeKey.SecretName, text)]));

        Assert.Equal(StorageError.InvalidArgument, refused.Error);
        Assert.DoesNotContain(text, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Key_Printed_IsNotSaid() =>
        Assert.DoesNotContain(Passphrase, new VolumeContent.Empty { Key = s_key }.ToString(), StringComparison.Ordinal);

    private async Task<StorageException> RefusedAsync(Volume volume, VolumeContent source)
    {
        var refused = await Assert.ThrowsAsync<StorageException>(() => Pool.CreateVolumeAsync(volume, source));
        Assert.Equal(StorageError.InvalidArgument, refused.Error);
        return refused;
    }

    private async Task<Volume> CreateAsync(string name)
    {
        var volume = NewVolume(name);
        Status(name, "available");
        await Pool.CreateVolumeAsync(volume, new VolumeContent.Empty { Key = s_key });
        return volume;
    }

    // The rounds behind the scenes only ask.
    private List<string> Changes() => [.. Script.Asked.Where(line => line.StartsWith("zfs ", StringComparison.Ordinal) && line.Split(' ')[1] is not ("get" or "version"))];

    private static Volume NewVolume(string name) => new()
    {
        Id = new VolumeId(ScriptedZfsPool.Id, ObjectKey.FromName(name)),
        Name = name,
        Door = Door.Csi,
        CreatedAt = DateTimeOffset.UnixEpoch,
        Parameters = VolumeParameters.None with { Encryption = "aes-256-gcm" },
    };

    private void Status(string name, string status, string? owner = null) => Script.On(AskedOfKey(name), Locked(name, status, owner));

    private static string AskedOfKey(string name) => $"zfs get -Hp -o name,property,value,source encryptionroot,keystatus {Root}/volumes/{name}";

    private static string Locked(string name, string status, string? owner = null) =>
        $"{Root}/volumes/{name}\tencryptionroot\t{Root}/volumes/{owner ?? name}\t-\n{Root}/volumes/{name}\tkeystatus\t{status}\t-\n";

    // Volumes whose keys are loaded, each its own.
    private static string InventoryOf(params string[] names) => $"{Root}\tused\t1000\t-\n{Root}\tavailable\t9000\t-\n" + string.Concat(names.Select(name =>
        $"{Root}/volumes/{name}\ttype\tfilesystem\t-\n{Root}/volumes/{name}\tlamina:volume\t{ZfsRecords.Of(NewVolume(name)).Single().Value}\tlocal\n{Locked(name, "available")}"));
}
