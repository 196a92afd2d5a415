using System.Globalization;
using System.Text;
using Lamina.Storage;

namespace Lamina.Admin;

/// <summary>Names for snapshots that nobody named: the volume's, with the time. No two calls get the same one, however close they are.</summary>
internal sealed class SnapshotNames(Catalog catalog, TimeProvider time)
{
    private const int MaxBytes = 128;
    private readonly Lock _gate = new();
    private DateTimeOffset _last = DateTimeOffset.MinValue;

    /// <summary>A name that no snapshot has, such as <c>data-20260727-101530-123</c>: in UTC, so that names sort by time.</summary>
    internal string Next(Volume volume)
    {
        // The catalog alone would not do: whoever has taken a name a moment ago is not in it yet, and the same name would mean the same snapshot.
        lock (_gate)
        {
            for (var at = time.GetUtcNow() is var now && now > _last.AddMilliseconds(1) ? now : _last.AddMilliseconds(1); ; at = at.AddMilliseconds(1))
            {
                var suffix = at.ToString("-yyyyMMdd-HHmmss-fff", CultureInfo.InvariantCulture);
                var name = Shorten(volume.Name, MaxBytes - suffix.Length) + suffix;
                if (catalog.HasSnapshot(ObjectKey.FromName(name)))
                    continue;
                _last = at;
                return name;
            }
        }
    }

    private static string Shorten(string name, int bytes)
    {
        var shortened = new StringBuilder();
        foreach (var rune in name.EnumerateRunes())
        {
            if ((bytes -= rune.Utf8SequenceLength) < 0)
                break;
            shortened.Append(rune);
        }
        return shortened.ToString();
    }
}
