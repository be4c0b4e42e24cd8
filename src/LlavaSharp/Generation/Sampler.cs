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

    /// <summary>Creates the sampler; a null seed in the settings takes a fresh one, see <see cref="Seed"/>.</summary>
    /// <exception cref="GenerationException">A setting is out of range.</exception>
    public Sampler(GenerationSettings settings)
    {
        _processor = new LogitsProcessor(settings);
        _random = new GenerationRandom(settings.Seed);
        _settings = settings;
    }

    /// <summary>The seed in use.</summary>
    public ulong Seed => _random.Seed;

    /// <summary>The next token's id.</summary>
    /// <param name="logits">One value per token of the vocabulary; used as work space.</param>
    /// <param name="previousIds">The ids that the repetition penalty counts: in the original the start token and what was generated.</param>
    /// <exception cref="GenerationException">A logit is not finite, or a previous id is outside the vocabulary.</exception>
    public int Next(Span<float> logits, ReadOnlySpan<int> previousIds)
    {
        if (!_settings.DoSample)
        {
            _processor.Penalize(logits, previousIds);
            return Greedy(logits);
        }
        _processor.Apply(logits, previousIds);
        return Draw(_processor.KeptIds, _processor.Probabilities);
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
