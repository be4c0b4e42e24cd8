using System.Globalization;

namespace LlavaSharp.Generation;

/// <summary>The values that one generation runs with: every question of defaults is answered.</summary>
public sealed record GenerationSettings
{
    private const int MostLogProbabilities = 20;

    /// <summary>The most tokens to generate.</summary>
    public required int MaxNewTokens { get; init; }

    /// <summary>0: always the most probable token.</summary>
    public required double Temperature { get; init; }

    /// <summary>The probability that the tokens drawn from reach together; 1: all tokens.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>How many tokens are drawn from; 0: all.</summary>
    public int TopK { get; init; }

    /// <summary>1: no penalty.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>The width of beam search; 1 is none.</summary>
    public int NumBeams { get; init; } = 1;

    /// <summary>The seed of sampling; null takes a new one.</summary>
    public ulong? Seed { get; init; }

    /// <summary>The texts that end an answer.</summary>
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

    /// <summary>Checks every value.</summary>
    /// <exception cref="GenerationException">A value is out of range.</exception>
    public void Validate()
    {
        Require(MaxNewTokens >= 0, "The number of new tokens", MaxNewTokens, "0 or more");
        Require(Temperature >= 0 && double.IsFinite(Temperature), "The temperature", Temperature, "0 (no sampling) or a positive number");
        Require(TopP is >= 0 and <= 1, "top_p", TopP, "a number from 0 to 1 (1: off)");
        Require(TopK >= 0, "top_k", TopK, "0 (off) or more");
        Require(RepetitionPenalty > 0 && double.IsFinite(RepetitionPenalty), "The repetition penalty", RepetitionPenalty, "a positive number (1: off)");
        Require(NumBeams >= 1, "The number of beams", NumBeams, "1 (no beam search) or more");
        Require(FrequencyPenalty is >= -2 and <= 2, "The frequency penalty", FrequencyPenalty, "a number from -2 to 2 (0: off)");
        Require(PresencePenalty is >= -2 and <= 2, "The presence penalty", PresencePenalty, "a number from -2 to 2 (0: off)");
        Require(TopLogProbabilities is null or (>= 0 and <= MostLogProbabilities), "The number of log-probabilities", TopLogProbabilities ?? 0, "a number from 0 to 20");
        foreach (var (id, bias) in LogitBias)
            Require(bias is >= -100 and <= 100, $"The bias of token {id}", bias, "a number from -100 to 100");
        if (NumBeams > 1 && (FrequencyPenalty != 0 || PresencePenalty != 0 || LogitBias.Count > 0 || TopLogProbabilities is not null || Constraint is not null))
            throw new GenerationException("Beam search knows no frequency or presence penalty, no logit bias, no log-probabilities and no constraint. Generate with one beam.");
        foreach (var stop in StopStrings)
            if (string.IsNullOrEmpty(stop))
                throw new GenerationException("A stop string is empty. Leave it out, or give a text.");
    }

    private static void Require(bool holds, string what, double value, string allowed)
    {
        if (!holds)
            throw new GenerationException(string.Create(CultureInfo.InvariantCulture, $"{what} is {value}. Give {allowed}."));
    }
}
