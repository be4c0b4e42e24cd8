namespace LlavaSharp.Generation;

/// <summary>How text is generated. What is null here is taken from the checkpoint, else from the original library's defaults.</summary>
public sealed record GenerationOptions
{
    /// <summary>The most tokens to generate; 512 as in the original's programs. Zero generates nothing.</summary>
    public int MaxNewTokens { get; init; } = 512;

    /// <summary>0: always the most probable token. Above: sampling, the flatter the larger. 0.2 as in the original's programs.</summary>
    public double Temperature { get; init; } = 0.2;

    /// <summary>Sample only from the most probable tokens that together reach this probability, 0 to 1; null or 1: from all.</summary>
    public double? TopP { get; init; }

    /// <summary>
    /// Whether a null <see cref="TopP"/> means the checkpoint's value (as the original's terminal chat has it) instead of off (as its
    /// one-question program has it).
    /// </summary>
    public bool UseCheckpointTopP { get; init; }

    /// <summary>Sample only from this many most probable tokens; 0: from all; null: the checkpoint's value, else 50.</summary>
    public int? TopK { get; init; }

    /// <summary>Above 1 makes tokens that occurred already less probable; null: the checkpoint's value, else 1.</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>The width of beam search; 1 is none.</summary>
    public int NumBeams { get; init; } = 1;

    /// <summary>The seed of sampling; null takes a new one every time.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Generation ends where one of these texts appears; it is not part of the answer.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>Subtracted from the logit of a token for each time that it was generated already, -2 to 2; 0: off.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>Subtracted from the logit of each token that was generated already, -2 to 2; 0: off.</summary>
    public double PresencePenalty { get; init; }

    /// <summary>Added to the logits of tokens, by id, -100 to 100.</summary>
    public IReadOnlyDictionary<int, float> LogitBias { get; init; } = new Dictionary<int, float>();

    /// <summary>Tell the log-probability of each token, and those of so many of the most probable ones, 0 to 20; null: of none.</summary>
    public int? TopLogProbabilities { get; init; }

    /// <summary>Which tokens the answer may be made of; null: all.</summary>
    public ITokenConstraint? Constraint { get; init; }

    /// <summary>Whether tokens are drawn at random.</summary>
    public bool DoSample => Temperature > 0;

    /// <summary>Fills what is null from the checkpoint's defaults, then from the library's, and checks every value.</summary>
    /// <exception cref="GenerationException">A value is out of range.</exception>
    public GenerationSettings Resolve(GenerationDefaults? checkpoint = null)
    {
        var defaults = checkpoint ?? GenerationDefaults.None;
        var settings = new GenerationSettings
        {
            MaxNewTokens = MaxNewTokens,
            Temperature = Temperature,
            TopP = TopP ?? (UseCheckpointTopP ? defaults.TopP : null) ?? 1,
            TopK = TopK ?? defaults.TopK ?? GenerationDefaults.LibraryTopK,
            RepetitionPenalty = RepetitionPenalty ?? defaults.RepetitionPenalty ?? 1,
            NumBeams = NumBeams,
            Seed = Seed,
            FrequencyPenalty = FrequencyPenalty,
            PresencePenalty = PresencePenalty,
            LogitBias = LogitBias ?? new Dictionary<int, float>(),
            TopLogProbabilities = TopLogProbabilities,
            Constraint = Constraint,
            StopStrings = [.. StopStrings ?? []],
        };
        settings.Validate();
        return settings;
    }
}
