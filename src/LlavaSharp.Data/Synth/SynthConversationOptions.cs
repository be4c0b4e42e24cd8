namespace LlavaSharp.Data.Synth;

/// <summary>What conversations look like. The defaults are the recipe that the embedded model is trained with.</summary>
public sealed record SynthConversationOptions
{
    /// <summary>What the scenes look like.</summary>
    public SynthSceneOptions Scenes { get; init; } = new();

    /// <summary>How many questions a conversation about a scene has.</summary>
    public int Turns { get; init; } = 5;

    /// <summary>The share of conversations about a scene with a turn that asks for a description.</summary>
    public double DescribeShare { get; init; } = 0.65;

    /// <summary>Of those, the share in which it is the first turn; in the others it stands anywhere.</summary>
    public double DescribeFirstShare { get; init; } = 0.75;

    /// <summary>The share of questions with the sentence that wants a short answer.</summary>
    public double ShortAnswerShare { get; init; } = 0.3;

    /// <summary>The share of questions written carelessly: no capital, no mark at the end.</summary>
    public double CarelessShare { get; init; } = 0.06;

    /// <summary>The share of conversations about a picture from outside the world (<see cref="SynthOffTopicKind"/>).</summary>
    public double OffTopicPictureShare { get; init; } = 0.05;

    /// <summary>The share of conversations without a picture.</summary>
    public double TextOnlyShare { get; init; } = 0.03;

    /// <summary>The share of conversations in Chinese (<see cref="SynthChinese"/>); none unless asked for.</summary>
    public double ChineseShare { get; init; }

    /// <summary>How often each type is asked. A type that the scene does not allow is drawn again; <see cref="SynthQuestionType.Describe"/> is governed by <see cref="DescribeShare"/>.</summary>
    public IReadOnlyDictionary<SynthQuestionType, double> Weights { get; init; } = new Dictionary<SynthQuestionType, double>
    {
        [SynthQuestionType.Color] = 1.5,
        [SynthQuestionType.Shape] = 0.9,
        [SynthQuestionType.CountAll] = 0.6,
        [SynthQuestionType.CountColor] = 1.5,
        [SynthQuestionType.CountShape] = 1.3,
        [SynthQuestionType.Presence] = 1.2,
        [SynthQuestionType.Place] = 1.1,
        [SynthQuestionType.Size] = 0.8,
        [SynthQuestionType.RelationHorizontal] = 1.6,
        [SynthQuestionType.RelationVertical] = 1.6,
        [SynthQuestionType.Refusal] = 1.2,
        [SynthQuestionType.OutOfWorld] = 0.25,
    };

    /// <summary>Checks the values.</summary>
    /// <exception cref="LlavaException">A value is outside its range.</exception>
    internal void Validate()
    {
        Scenes.Validate();
        if (Turns is < 1 or > 64)
            throw new LlavaException($"Synthetic conversations: {nameof(Turns)} is {Turns}; it must be 1 to 64.");
        foreach (var (name, share) in new[]
        {
            (nameof(DescribeShare), DescribeShare), (nameof(DescribeFirstShare), DescribeFirstShare), (nameof(ShortAnswerShare), ShortAnswerShare),
            (nameof(CarelessShare), CarelessShare), (nameof(OffTopicPictureShare), OffTopicPictureShare), (nameof(TextOnlyShare), TextOnlyShare), (nameof(ChineseShare), ChineseShare),
            ("the share of off-topic pictures and of conversations without one together", OffTopicPictureShare + TextOnlyShare),
        })
        {
            if (!(share is >= 0 and <= 1))
                throw new LlavaException($"Synthetic conversations: {name} is {share}; it must be 0 to 1.");
        }
        if (Weights.Values.Any(weight => !(weight >= 0)) || Weights.Values.All(weight => weight == 0))
            throw new LlavaException($"Synthetic conversations: {nameof(Weights)} must hold no negative weight and one above zero.");
    }
}
