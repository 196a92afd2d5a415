namespace Lamina.Storage.Tests;

/// <summary>Parts of lists.</summary>
public sealed class PageTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(int.MaxValue - 1)]
    [InlineData(int.MaxValue)]
    public void Take_AsManyAsThereAreOrMore_AnswersAllAndNoToken(int size)
    {
        var page = Page<int>.Take([1, 2, 3], size, item => $"{item}");
        Assert.Equal([1, 2, 3], page.Items);
        Assert.Null(page.Next);
    }

    [Fact]
    public void Take_FewerThanThereAre_AnswersTheTokenOfTheLast()
    {
        var page = Page<int>.Take([1, 2, 3], 2, item => $"{item}");
        Assert.Equal([1, 2], page.Items);
        Assert.Equal("2", page.Next);
    }
}
