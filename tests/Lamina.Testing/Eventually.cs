using Xunit;

namespace Lamina.Testing;

/// <summary>Waits for what happens behind the scenes. The limit is only there so that a broken test ends.</summary>
public static class Eventually
{
    /// <summary>How long anything is waited for: many times what it takes on a slow machine, and on an emulated one too.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    /// <summary>Waits until the condition holds.</summary>
    /// <param name="condition">Asked every few milliseconds.</param>
    /// <param name="what">What is waited for, in words.</param>
    public static async Task TrueAsync(Func<bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!condition())
        {
            Assert.False(limit.IsCancellationRequested, $"never came true: {what}");
            await Task.Delay(10);
        }
    }
}
