namespace LlavaSharp.Training;

/// <summary>Which samples each micro-batch of a run holds; any micro-batch can be asked for, so that a run can begin anywhere.</summary>
public sealed class BatchOrder
{
    private readonly long? _count;
    private readonly int _batchSize;
    private readonly TorchRandom _random;
    private readonly List<int[]> _epochs = [];
    private readonly long _seed;
    private readonly int _window;
    private readonly Func<long, int>? _length;
    private (long First, List<long[]> Batches) _sorted = (-1, []);

    /// <summary>Creates the order.</summary>
    /// <param name="count">The number of samples; null: they never end, and are taken as they come.</param>
    /// <param name="batchSize">How many samples a micro-batch has; the last of an epoch may have fewer.</param>
    /// <param name="seed">The seed of the random order, drawn as the original's library draws it in one process.</param>
    /// <param name="window">The samples of so many micro-batches are sorted by length among themselves; the batches that come of it are put in a random order.</param>
    /// <param name="length">About how long a sample is; needed when <paramref name="window"/> is above 1.</param>
    public BatchOrder(long? count, int batchSize, long seed, int window = 1, Func<long, int>? length = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(window, 1);
        (_count, _batchSize, _random, _seed, _window, _length) = (count, batchSize, new TorchRandom(seed), seed, window, length);
        BatchesPerEpoch = count is { } samples ? (samples + batchSize - 1) / batchSize : null;
    }

    /// <summary>The number of micro-batches of one pass over the data; null when it never ends.</summary>
    public long? BatchesPerEpoch { get; }

    /// <summary>The samples of a micro-batch.</summary>
    /// <param name="number">Its place in the run, from 0.</param>
    public IReadOnlyList<long> Indices(long number)
    {
        if (_window == 1 || _length is null)
            return Unsorted(number);
        // a window lies inside one epoch
        var epochStart = BatchesPerEpoch is { } batches ? number / batches * batches : 0;
        var first = epochStart + (number - epochStart) / _window * _window;
        if (_sorted.First != first)
            _sorted = (first, Sort(first, BatchesPerEpoch is { } all ? Math.Min(_window, epochStart + all - first) : _window));
        return _sorted.Batches[(int)(number - first)];
    }

    private List<long[]> Sort(long first, long batches)
    {
        var samples = new List<long>();
        for (var i = 0; i < batches; i++)
            samples.AddRange(Unsorted(first + i));
        var sorted = samples.OrderByDescending(index => _length!(index)).Chunk(_batchSize).ToList();
        return [.. new TorchRandom(_seed ^ first).Permutation(sorted.Count).Select(i => sorted[i])];
    }

    private IReadOnlyList<long> Unsorted(long number)
    {
        var indices = new List<long>(_batchSize);
        if (BatchesPerEpoch is not { } batches)
        {
            for (var i = 0; i < _batchSize; i++)
                indices.Add(number * _batchSize + i);
            return indices;
        }
        var order = Epoch((int)(number / batches));
        var start = number % batches * _batchSize;
        for (var i = start; i < Math.Min(start + _batchSize, _count!.Value); i++)
            indices.Add(order[i]);
        return indices;
    }

    private int[] Epoch(int epoch)
    {
        while (_epochs.Count <= epoch)
        {
            _ = _random.NextInt64();                                    // the data loader's base seed, which nothing uses here
            _epochs.Add(new TorchRandom(_random.NextInt64()).Permutation((int)_count!.Value));
            if (_epochs.Count > 2)
                _epochs[^3] = [];                                       // long past
        }
        return _epochs[epoch];
    }
}
