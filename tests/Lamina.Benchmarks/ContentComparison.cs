using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace Lamina.Benchmarks;

/// <summary>How many times longer an operation takes on ten gigabytes than on a megabyte, in each place: median by median, of one run.</summary>
internal static class ContentComparison
{
    internal static void Print(Summary summary)
    {
        var places = summary.BenchmarksCases
            .Where(benchmark => Of<Content>(benchmark) is not null)
            .GroupBy(benchmark => (benchmark.Descriptor.WorkloadMethodDisplayInfo, Place: Of<Place>(benchmark)));
        foreach (var ((method, place), cases) in places.Select(group => (group.Key, group.ToLookup(Of<Content>))))
        {
            if (Median(summary, cases[Content.TenGigabytes]) / Median(summary, cases[Content.OneMegabyte]) is { } ratio)
                Console.WriteLine($"{method} on {place}: 10 GB takes {ratio:f2} times what 1 MB takes");
        }
    }

    private static T? Of<T>(BenchmarkCase benchmark)
        where T : struct => benchmark.Parameters.Items.Select(item => item.Value).OfType<T>().Cast<T?>().FirstOrDefault();

    private static double? Median(Summary summary, IEnumerable<BenchmarkCase> cases) => summary[cases.Single()]?.ResultStatistics?.Median;
}
