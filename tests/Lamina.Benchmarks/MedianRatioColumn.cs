using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace Lamina.Benchmarks;

/// <summary>How many times the floor: median by median, as one flush that meets somebody else's writes would spoil a mean.</summary>
internal sealed class MedianRatioColumn : IColumn
{
    public string Id => nameof(MedianRatioColumn);

    public string ColumnName => "Floors";

    public string Legend => "Median divided by the median of the floor";

    public ColumnCategory Category => ColumnCategory.Baseline;

    public UnitType UnitType => UnitType.Dimensionless;

    public int PriorityInCategory => 0;

    public bool AlwaysShow => true;

    public bool IsNumeric => true;

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        var floor = summary.GetBaseline(summary.GetLogicalGroupKey(benchmarkCase)!);
        return summary[benchmarkCase]?.ResultStatistics?.Median is { } own && floor is not null && summary[floor]?.ResultStatistics?.Median is { } floors
            ? (own / floors).ToString("f2", CultureInfo.InvariantCulture)
            : "-";
    }

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);
}
