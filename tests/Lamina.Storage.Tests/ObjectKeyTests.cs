namespace Lamina.Storage.Tests;

public sealed class ObjectKeyTests
{
    [Theory]
    [InlineData("data")]
    [InlineData("pvc-0b1c2d3e-1111-2222-3333-444455556666")]
    [InlineData("9_lives")]
    public void FromName_PlainName_IsItself(string name) => Assert.Equal(name, ObjectKey.FromName(name).ToString());

    [Theory]
    [InlineData("Data")]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData("two words")]
    [InlineData("\U0001F4BE")]
    [InlineData("-dash")]
    public void FromName_OtherName_IsReducedAndClosedWithItsHash(string name)
    {
        var key = ObjectKey.FromName(name).ToString();
        Assert.Matches(@"\A[a-z0-9][a-z0-9_-]*--[a-z2-7]{26}\z", key);
        Assert.True(key.Length <= ObjectKey.MaxLength);
    }

    [Fact]
    public void FromName_NamesThatDifferInCaseOnly_HaveDifferentKeys() =>
        Assert.Equal(3, new[] { "data", "Data", "DATA" }.Select(name => ObjectKey.FromName(name)).Distinct().Count());

    [Fact]
    public void FromName_NameThatLooksLikeAReducedOne_DoesNotTakeItsKey()
    {
        var reduced = ObjectKey.FromName("My Data");
        Assert.NotEqual(reduced, ObjectKey.FromName(reduced.ToString()));
    }

    [Fact]
    public void FromName_128Bytes_IsAccepted() => Assert.Equal(96, ObjectKey.FromName(new string('A', 128)).ToString().Length);

    [Theory]
    [InlineData("")]
    [InlineData("a\0b")]
    [InlineData("a\u0007b")]
    public void FromName_ForbiddenName_IsRefused(string name) =>
        Assert.Equal(StorageError.InvalidArgument, Assert.Throws<StorageException>(() => ObjectKey.FromName(name)).Error);

    [Fact]
    public void FromName_129Bytes_IsRefusedWithTheNumber() =>
        Assert.Contains("129", Assert.Throws<StorageException>(() => ObjectKey.FromName(new string('a', 129))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("abc.def")]
    [InlineData("aaaaaaaaaaaaa.../x")]
    [InlineData("aaaaaaaaaaaaa")]
    public void VolumeId_ThatIsNotOfTheForm_IsUnknown(string text) => Assert.False(VolumeId.TryParse(text, out _));
}
