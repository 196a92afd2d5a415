namespace Lamina.Linux.Tests;

public sealed class KernelRandomTests
{
    [Fact]
    public void GetBytes_Twice_AreAsManyAndNotTheSame()
    {
        var first = KernelRandom.GetBytes(16);

        Assert.Equal(16, first.Length);
        Assert.NotEqual(first, KernelRandom.GetBytes(16));
        Assert.Empty(KernelRandom.GetBytes(0));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void GetBits_Often_GivesEveryNumberAndNoOther(int count)
    {
        var numbers = Enumerable.Range(0, 1000).Select(_ => KernelRandom.GetBits(count)).Distinct().Order();

        Assert.Equal(Enumerable.Range(0, 1 << count), numbers);
    }
}
