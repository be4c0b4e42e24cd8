namespace LlavaSharp.Generation;

/// <summary>Chooses the next token: the most probable one, or one drawn at random when the temperature is above 0.</summary>
/// <remarks>
/// The same settings, seed and logits give the same tokens on every platform: nothing here depends on a C library. Not safe for concurrent use: one sampler per generation.
/// </remarks>
public sealed class Sampler
{
    private readonly GenerationSettings _settings;
    private readonly LogitsProcessor _processor;
    private readonly GenerationRandom _random;
    private readonly IReadOnlyList<int> _endIds;
    private readonly ITokenConstraintState? _constraint;
    private readonly Dictionary<int, int> _chosen = [];   // how often each id was chosen; only where a penalty asks

    /// <summary>Creates the sampler; a null seed in the settings takes a fresh one, see <see cref="Seed"/>.</summary>
    /// <param name="settings">How to choose.</param>
    /// <param name="endIds">The ids that end an answer, which a constraint must know.</param>
    /// <exception cref="GenerationException">A setting is out of range.</exception>
    public Sampler(GenerationSettings settings, IReadOnlyList<int>? endIds = null)
    {
        _processor = new LogitsProcessor(settings);
        _random = new GenerationRandom(settings.Seed);
        _settings = settings;
        _endIds = endIds ?? [];
        _constraint = settings.Constraint?.Begin();
    }

    /// <summary>The seed in use.</summary>
    public ulong Seed => _random.Seed;

    /// <summary>Whether a constraint says that nothing may follow.</summary>
    public bool IsComplete => _constraint?.IsComplete ?? false;

    /// <summary>The log-probabilities at the last choice; null where the settings do not ask.</summary>
    public GeneratedToken? LastToken { get; private set; }

    /// <summary>The next token's id.</summary>
    /// <param name="logits">One value per token of the vocabulary; used as work space.</param>
    /// <param name="previousIds">The ids that the repetition penalty counts: in the original the start token and what was generated.</param>
    /// <exception cref="GenerationException">A logit is not finite, or an id is outside the vocabulary.</exception>
    public int Next(Span<float> logits, ReadOnlySpan<int> previousIds)
    {
        var asComputed = _settings.TopLogProbabilities is null ? null : logits.ToArray();
        _processor.Penalize(logits, previousIds);
        Shift(logits);
        _constraint?.Restrict(logits, _endIds);
        int id;
        if (_settings.DoSample)
        {
            _processor.Narrow(logits);
            id = Draw(_processor.KeptIds, _processor.Probabilities);
        }
        else
        {
            id = Greedy(logits);
        }
        if (_settings.FrequencyPenalty != 0 || _settings.PresencePenalty != 0)
            _chosen[id] = _chosen.GetValueOrDefault(id) + 1;
        if (!_endIds.Contains(id))
            _constraint?.Accept(id);
        LastToken = asComputed is null ? null : LogProbabilities.Of(asComputed, id, _settings.TopLogProbabilities!.Value);
        return id;
    }

    /// <summary>The first of the largest values.</summary>
    /// <exception cref="GenerationException">There are no logits, or one is NaN.</exception>
    public static int Greedy(ReadOnlySpan<float> logits)
    {
        if (logits.IsEmpty)
            throw new GenerationException("There are no logits: the model's vocabulary is empty.");
        var best = 0;
        for (var i = 0; i < logits.Length; i++)
        {
            if (float.IsNaN(logits[i]))
                throw LogitsProcessor.NotFinite(logits[i], i);
            if (logits[i] > logits[best])
                best = i;
        }
        return best;
    }

    // biases, and the penalties that count
    private void Shift(Span<float> logits)
    {
        foreach (var (id, bias) in _settings.LogitBias)
        {
            if ((uint)id >= (uint)logits.Length)
                throw new GenerationException($"The logit bias names the token {id}; the vocabulary has {logits.Length}. Give only ids of the vocabulary.");
            logits[id] += bias;
        }
        foreach (var (id, count) in _chosen)
            logits[id] -= (float)(count * _settings.FrequencyPenalty + _settings.PresencePenalty);
    }

    private int Draw(ReadOnlySpan<int> ids, ReadOnlySpan<float> probabilities)
    {
        double sum = 0;
        foreach (var probability in probabilities)
            sum += probability;
        var left = _random.NextDouble() * sum;
        var last = 0;
        for (var i = 0; i < ids.Length; i++)
        {
            if (probabilities[i] == 0)
                continue;
            last = i;
            left -= probabilities[i];
            if (left < 0)
                break;
        }
        return ids[last];
    }
}
