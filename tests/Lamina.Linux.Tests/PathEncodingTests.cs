using System.Text;
using Lamina.Linux.Interop;

namespace Lamina.Linux.Tests;

public sealed class PathEncodingTests
{
    [Theory]
    [InlineData("plain")]
    [InlineData("")]
    [InlineData("ä €")]
    [InlineData("\U0001F600 and more")]
    public void GetBytes_Text_IsUtf8(string name) => Assert.Equal(Encoding.UTF8.GetBytes(name), PathEncoding.GetBytes(name));

    [Fact]
    public void Decode_InvalidBytes_BecomeTheSurrogatesThatPythonUses() =>
        Assert.Equal("a\udcff\udc80b", PathEncoding.Decode([(byte)'a', 0xff, 0x80, (byte)'b']));

    [Fact]
    public void Decode_AnyBytes_RoundTrip()
    {
        var random = new Random(20260117);
        for (var i = 0; i < 5_000; i++)
        {
            var bytes = new byte[random.Next(1, 40)];
            random.NextBytes(bytes);
            // Mixed with sound sequences, whose borders are where a decoder would go wrong.
            if (i % 2 == 0)
                bytes = [.. bytes[..(bytes.Length / 2)], .. "€\U0001F600"u8[random.Next(0, 3)..], .. bytes[(bytes.Length / 2)..]];
            bytes.AsSpan().Replace((byte)0, (byte)1);

            Assert.Equal(bytes, PathEncoding.GetBytes(PathEncoding.Decode(bytes)));
        }
    }

    [Fact]
    public void Decode_EncodedSurrogates_RoundTripAsBytes()
    {
        byte[] bytes = [0xed, 0xa0, 0x80, 0xed, 0xb2, 0x80];

        Assert.Equal(bytes, PathEncoding.GetBytes(PathEncoding.Decode(bytes)));
    }

    [Fact]
    public void GetBytes_Nul_Refused() => LinuxAssert.Fails(Errno.EINVAL, () => PathEncoding.GetBytes("a\0b"));

    [Theory]
    [InlineData(0xd800)]
    [InlineData(0xdc00)]
    [InlineData(0xdc7f)]
    [InlineData(0xdd00)]
    public void GetBytes_SurrogateThatStandsForNoByte_Refused(int surrogate) =>
        LinuxAssert.Fails(Errno.EILSEQ, () => PathEncoding.GetBytes($"x{(char)surrogate}"));

    [Theory]
    [InlineData(10)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(255)]
    [InlineData(4000)]
    public void Marshaller_NamesOfAllLengths_ReachTheKernelWhole(int length)
    {
        // The shorter ones go by the stack, the longer ones by the heap.
        var path = "/" + new string('é', length / 2);

        var thrown = LinuxAssert.Fails(length > 255 ? Errno.ENAMETOOLONG : Errno.ENOENT, () => Files.Open(path, OpenFlags.ReadOnly));

        Assert.Equal($"open {path}", thrown.Operation);
    }
}
