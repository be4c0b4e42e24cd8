using System.Numerics;

namespace LlavaSharp.Generation;

/// <summary>
/// Turns next-token logits into the distribution that is drawn from, as transformers 4.37.2 does: repetition penalty, temperature, top-k,
/// top-p, softmax.
/// </summary>
/// <remarks>Holds buffers of the vocabulary's size that every call reuses: not safe for concurrent use.</remarks>
public sealed class LogitsProcessor
{
    private readonly GenerationSettings _settings;
    private readonly int _minimumKept;
    private float[] _heap = [];
    private int[] _ids = [];
    private int[] _order = [];
    private float[] _probabilities = [];
    private bool[] _seen = [];
    private int _count;

    /// <summary>Creates the processor.</summary>
    /// <param name="settings">Temperature, top-k, top-p and repetition penalty.</param>
    /// <param name="minimumKept">How many tokens top-k and top-p leave at least: 1, or the candidates each beam must offer.</param>
    /// <exception cref="GenerationException">A setting is out of range.</exception>
    public LogitsProcessor(GenerationSettings settings, int minimumKept = 1)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentOutOfRangeException.ThrowIfLessThan(minimumKept, 1);
        settings.Validate();
        (_settings, _minimumKept) = (settings, minimumKept);
    }

    /// <summary>The tokens that <see cref="Apply"/> kept, ascending; valid until the next call.</summary>
    public ReadOnlySpan<int> KeptIds => _ids.AsSpan(0, _count);

    /// <summary>The probabilities of <see cref="KeptIds"/>; they add up to 1.</summary>
    public ReadOnlySpan<float> Probabilities => _probabilities.AsSpan(0, _count);

    /// <summary>
    /// Makes the logits of tokens in <paramref name="previousIds"/> smaller: divided by the penalty when positive, multiplied when negative;
    /// once, however often a token occurs.
    /// </summary>
    /// <param name="logits">One value per token of the vocabulary, changed in place.</param>
    /// <param name="previousIds">Ids of the vocabulary, in any order.</param>
    /// <exception cref="GenerationException">A logit is not finite, or an id is outside the vocabulary.</exception>
    public void Penalize(Span<float> logits, ReadOnlySpan<int> previousIds)
    {
        RequireFinite(logits);
        if (_settings.RepetitionPenalty == 1)
            return;
        if (_seen.Length < logits.Length)
            _seen = new bool[logits.Length];
        foreach (var id in previousIds)
            if ((uint)id >= (uint)logits.Length)
                throw new GenerationException($"The repetition penalty was given the id {id}, outside the {logits.Length} logits. Give only ids of the vocabulary.");
        var penalty = (float)_settings.RepetitionPenalty;
        foreach (var id in previousIds)
            if (!_seen[id])
            {
                _seen[id] = true;
                logits[id] = logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty;
            }
        foreach (var id in previousIds)
            _seen[id] = false;
    }

    /// <summary>
    /// Applies everything in its order. Afterwards <see cref="KeptIds"/> and <see cref="Probabilities"/> hold the distribution, and the
    /// logits of all other tokens are minus infinity.
    /// </summary>
    /// <param name="logits">One value per token of the vocabulary, changed in place.</param>
    /// <param name="previousIds">The ids that the repetition penalty counts; of no use when the penalty is 1.</param>
    /// <exception cref="GenerationException">A logit is not finite, or an id is outside the vocabulary.</exception>
    public void Apply(Span<float> logits, ReadOnlySpan<int> previousIds)
    {
        Penalize(logits, previousIds);
        Narrow(logits);
    }

    /// <summary>As <see cref="Apply"/>, but for the penalty.</summary>
    /// <param name="logits">One value per token of the vocabulary, finite or minus infinity, changed in place.</param>
    internal void Narrow(Span<float> logits)
    {
        if (_settings.Temperature is not (0 or 1))
            Cool(logits, _settings.Temperature);
        Reserve(logits.Length);
        KeepTopK(logits);
        if (_settings.TopP < 1)
            KeepTopP(logits);
        Mask(logits);
        FillProbabilities(logits);
    }

    /// <summary>Checks that every logit is a finite number.</summary>
    /// <exception cref="GenerationException">One is not, or there is none.</exception>
    public static void RequireFinite(ReadOnlySpan<float> logits)
    {
        if (logits.IsEmpty)
            throw new GenerationException("There are no logits: the model's vocabulary is empty.");
        // x - x is 0 for finite numbers and NaN for all others, and NaN stays through every sum.
        var sum = Vector<float>.Zero;
        var i = 0;
        for (; i <= logits.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var values = new Vector<float>(logits[i..]);
            sum += values - values;
        }
        var rest = Vector.Sum(sum);
        for (; i < logits.Length; i++)
            rest += logits[i] - logits[i];
        if (rest == 0)
            return;
        for (i = 0; i < logits.Length; i++)
            if (!float.IsFinite(logits[i]))
                throw NotFinite(logits[i], i);
    }

    internal static GenerationException NotFinite(float value, int id) =>
        new($"The model computed {(float.IsNaN(value) ? "NaN" : "infinity")} for token {id}. The weights are damaged, or the data type is too small for them: check the checkpoint, or compute in float32 or bfloat16.");

    private static void Cool(Span<float> logits, double temperature)
    {
        // Below this the quotients may overflow: with the largest at 0 they only overflow downwards, to probability 0.
        if (temperature < 1e-3)
        {
            var largest = logits[Sampler.Greedy(logits)];
            for (var i = 0; i < logits.Length; i++)
                logits[i] = (float)Math.Max((logits[i] - largest) / temperature, float.MinValue);
            return;
        }
        var divisor = (float)temperature;
        for (var i = 0; i < logits.Length; i++)
            logits[i] /= divisor;
    }

    private void Reserve(int vocabulary)
    {
        if (_ids.Length >= vocabulary)
            return;
        _ids = new int[vocabulary];
        _order = new int[vocabulary];
        _probabilities = new float[vocabulary];
        _heap = new float[vocabulary];
    }

    // Everything not below the k-th largest value stays, so ties of that value stay as well.
    private void KeepTopK(ReadOnlySpan<float> logits)
    {
        _count = 0;
        var threshold = float.NegativeInfinity;
        if (_settings.TopK > 0 && Math.Max(_settings.TopK, _minimumKept) is var k && k < logits.Length)
            threshold = KthLargest(logits, k);
        for (var i = 0; i < logits.Length; i++)
            if (logits[i] >= threshold)
                _ids[_count++] = i;
    }

    // A heap of the k largest values so far, the smallest on top: most values are below it and cost one comparison.
    private float KthLargest(ReadOnlySpan<float> values, int k)
    {
        var heap = _heap.AsSpan(0, k);
        values[..k].CopyTo(heap);
        for (var i = k / 2 - 1; i >= 0; i--)
            SinkSmallest(heap, i);
        for (var i = k; i < values.Length; i++)
            if (values[i] > heap[0])
            {
                heap[0] = values[i];
                SinkSmallest(heap, 0);
            }
        return heap[0];
    }

    private static void SinkSmallest(Span<float> heap, int at)
    {
        var value = heap[at];
        while (true)
        {
            var child = 2 * at + 1;
            if (child >= heap.Length)
                break;
            if (child + 1 < heap.Length && heap[child + 1] < heap[child])
                child++;
            if (heap[child] >= value)
                break;
            heap[at] = heap[child];
            at = child;
        }
        heap[at] = value;
    }

    // The original sorts ascending and removes while the running sum is at most 1 - p. From the top that is: keep while 1 - (sum above) > 1 - p.
    private void KeepTopP(ReadOnlySpan<float> logits)
    {
        FillProbabilities(logits);
        var size = _count;
        for (var i = 0; i < size; i++)
            _order[i] = i;
        for (var i = size / 2 - 1; i >= 0; i--)
            SinkLargest(logits, i, size);
        var removedMass = (float)(1 - _settings.TopP);
        double above = 0;
        var kept = 0;
        while (size > 0 && (kept < _minimumKept || (float)(1 - above) > removedMass))
        {
            var best = _order[0];
            above += _probabilities[best];
            _order[0] = _order[--size];
            SinkLargest(logits, 0, size);
            // The place behind the heap is free: it collects what is kept.
            _order[size] = best;
            kept++;
        }
        var positions = _order.AsSpan(size, kept);
        positions.Sort();
        for (var i = 0; i < kept; i++)
            _ids[i] = _ids[positions[i]];
        _count = kept;
    }

    private void SinkLargest(ReadOnlySpan<float> logits, int at, int size)
    {
        if (at >= size)
            return;
        var item = _order[at];
        while (true)
        {
            var child = 2 * at + 1;
            if (child >= size)
                break;
            if (child + 1 < size && Before(logits, _order[child + 1], _order[child]))
                child++;
            if (!Before(logits, _order[child], item))
                break;
            _order[at] = _order[child];
            at = child;
        }
        _order[at] = item;
    }

    // Among equal values the original's stable ascending sort removes the smaller id first.
    private bool Before(ReadOnlySpan<float> logits, int left, int right)
    {
        float a = logits[_ids[left]], b = logits[_ids[right]];
        return a > b || (a == b && left > right);
    }

    private void Mask(Span<float> logits)
    {
        if (_count == logits.Length)
            return;
        var next = 0;
        for (var i = 0; i < logits.Length; i++)
            if (next < _count && _ids[next] == i)
                next++;
            else
                logits[i] = float.NegativeInfinity;
    }

    private void FillProbabilities(ReadOnlySpan<float> logits)
    {
        var largest = float.NegativeInfinity;
        for (var i = 0; i < _count; i++)
            largest = Math.Max(largest, logits[_ids[i]]);
        double sum = 0;
        for (var i = 0; i < _count; i++)
            sum += _probabilities[i] = (float)PortableMath.Exp(logits[_ids[i]] - largest);
        for (var i = 0; i < _count; i++)
            _probabilities[i] = (float)(_probabilities[i] / sum);
    }
}
