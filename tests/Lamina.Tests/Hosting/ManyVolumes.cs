using System.Text.Json.Nodes;
using Lamina.Storage.Pools;
using Lamina.Testing;

namespace Lamina.Tests.Hosting;

/// <summary>Overlay pools of so many volumes that to create each of them would take minutes.</summary>
internal static class ManyVolumes
{
    /// <summary>One volume by the product, and copies of its record and its layer.</summary>
    internal static async Task FillAsync(PoolSettings pool, int count)
    {
        await using (var services = await StorageServices.StartAsync(TestScratch.NewDirectory("run"), [pool]))
            await services.CreateAsync(NameOf(0));
        var record = await File.ReadAllTextAsync(Path.Combine(pool.Path, "volumes", NameOf(0), "record.json"));
        var head = (string)JsonNode.Parse(record)!["head"]!;
        for (var number = 1; number < count; number++)
        {
            var layer = string.Concat($"{number:d13}".Select(digit => (char)('a' + digit - '0')));
            foreach (var part in (string[])["diff", "work"])
                Directory.CreateDirectory(Path.Combine(pool.Path, "layers", layer, part));
            var volume = Directory.CreateDirectory(Path.Combine(pool.Path, "volumes", NameOf(number)));
            await File.WriteAllTextAsync(
                Path.Combine(volume.FullName, "record.json"),
                record.Replace(NameOf(0), NameOf(number), StringComparison.Ordinal).Replace(head, layer, StringComparison.Ordinal));
        }
    }

    private static string NameOf(int number) => $"volume-{number:d5}";
}
