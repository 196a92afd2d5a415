using System.Globalization;

namespace Lamina.Tests.Monitoring;

/// <summary>What a daemon answers to Prometheus.</summary>
internal sealed record Scrape(string Text)
{
    /// <summary>The values of all series, by name and labels as they stand there.</summary>
    internal Dictionary<string, double> Series { get; } = Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#')
        .Select(line => (Line: line, Space: line.LastIndexOf(' '))).ToDictionary(series => series.Line[..series.Space], series => Number(series.Line[(series.Space + 1)..]));

    /// <summary>Asks for all.</summary>
    internal static async Task<Scrape> GetAsync(HttpClient http) => new(await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken));

    /// <summary>Asks until it is so.</summary>
    internal static async Task<Scrape> GetWhenAsync(HttpClient http, Func<Scrape, bool> isSo, string what)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            var scrape = await GetAsync(http);
            if (isSo(scrape))
                return scrape;
            Assert.False(limit.IsCancellationRequested, $"never came true: {what}\n{scrape.Text}");
            await Task.Delay(50);
        }
    }

    internal bool Has(string series) => Series.ContainsKey(series);

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "NaN" => double.NaN,
        _ => double.Parse(text, CultureInfo.InvariantCulture),
    };
}
