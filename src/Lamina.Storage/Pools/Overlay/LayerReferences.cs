namespace Lamina.Storage.Pools.Overlay;

/// <summary>How many records name each layer, and operations that are about to. Whoever takes the last reference away gets the layer to trash.</summary>
internal sealed class LayerReferences
{
    private readonly Dictionary<LayerId, int> _counts = [];
    private readonly Lock _gate = new();

    /// <summary>How many layers are referenced.</summary>
    internal int Count
    {
        get
        {
            lock (_gate)
                return _counts.Count;
        }
    }

    /// <summary>Adds a reference to each of the layers.</summary>
    internal void Add(params IEnumerable<LayerId> layers)
    {
        lock (_gate)
        {
            foreach (var layer in layers)
                _counts[layer] = _counts.GetValueOrDefault(layer) + 1;
        }
    }

    /// <summary>Takes a reference away from each of the layers.</summary>
    /// <returns>The layers that nobody references any more.</returns>
    internal IReadOnlyList<LayerId> Remove(params IEnumerable<LayerId> layers)
    {
        var unreferenced = new List<LayerId>();
        lock (_gate)
        {
            foreach (var layer in layers)
            {
                var count = _counts[layer] - 1;
                if (count > 0)
                {
                    _counts[layer] = count;
                    continue;
                }
                _counts.Remove(layer);
                unreferenced.Add(layer);
            }
        }
        return unreferenced;
    }

    /// <summary>Whether anybody references the layer.</summary>
    internal bool Contains(LayerId layer) => CountOf(layer) > 0;

    /// <summary>How many reference it.</summary>
    internal int CountOf(LayerId layer)
    {
        lock (_gate)
            return _counts.GetValueOrDefault(layer);
    }
}
