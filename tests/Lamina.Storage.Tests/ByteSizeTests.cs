namespace Lamina.Storage.Tests;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("4096", 4096)]
    [InlineData("10Gi", 10L << 30)]
    [InlineData("1.5Mi", 1572864)]
    [InlineData("2G", 2_000_000_000)]
    [InlineData("1GiB", 1L << 30)]
    public void Parse_Size_IsRead(string text, long bytes) => Assert.Equal(bytes, ByteSize.Parse(text).Bytes);

    [Theory]
    [InlineData("-1")]
    [InlineData("ten")]
    [InlineData("10 Gi")]
    [InlineData("9999999Ei")]
    [InlineData("")]
    public void Parse_OtherText_IsRefusedWithTheText(string text) =>
        Assert.Contains($"'{text}'", Assert.Throws<StorageException>(() => ByteSize.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void ToString_Size_IsShort() => Assert.Equal("10Gi", ByteSize.FromGibibytes(10).ToString());
}
