namespace LlavaSharp.Models;

/// <summary>Which adapter answers which rows of the pass that a model computes; the adapted layers of the model look here.</summary>
/// <remarks>Belongs to the model's thread.</remarks>
internal sealed class AdapterSelection
{
    /// <summary>The rows of each adapter that the pass needs; empty: the model answers as it is.</summary>
    public IReadOnlyList<AdapterRows> Rows { get; private set; } = [];

    /// <summary>One adapter, or none, for all rows, until the result is disposed.</summary>
    public Use All(int? adapter)
    {
        Rows = adapter is { } index ? [new(index, null)] : [];
        return new(this);
    }

    /// <summary>An adapter, or none, for each sequence of a row of sequences, until the result is disposed.</summary>
    /// <param name="sequences">The adapter of each sequence and how many positions it has.</param>
    public Use Each(IEnumerable<(int? Adapter, int Count)> sequences)
    {
        var rows = new SortedDictionary<int, List<long>>();
        var next = 0L;
        foreach (var (adapter, count) in sequences)
        {
            if (adapter is { } index)
            {
                if (!rows.TryGetValue(index, out var own))
                    rows[index] = own = [];
                for (var i = 0; i < count; i++)
                    own.Add(next + i);
            }
            next += count;
        }
        Rows = [.. rows.Where(own => own.Value.Count > 0).Select(own => new AdapterRows(own.Key, [.. own.Value]))];
        return new(this);
    }

    /// <summary>Ends a selection: from then on the model answers as it is.</summary>
    public readonly struct Use(AdapterSelection selection) : IDisposable
    {
        /// <inheritdoc/>
        public void Dispose()
        {
            foreach (var rows in selection.Rows)
                rows.Dispose();
            selection.Rows = [];
        }
    }
}
