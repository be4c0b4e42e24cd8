using System.Globalization;

namespace LlavaSharp.Data.Synth;

/// <summary>What conversations a <see cref="SynthConversationSource"/> makes.</summary>
public sealed record SynthConversationSourceOptions
{
    /// <summary>What a value of <c>--data_path</c> begins with to mean this source.</summary>
    public const string Scheme = "synth:";

    private const string WeightPrefix = "weight_";

    private static readonly string[] Keys = ["seed", "turns", "min_side", "max_side", "large", "describe_share", "describe_first", "text", "describe"];

    /// <summary>Different seeds give unrelated conversations.</summary>
    public long Seed { get; init; }

    /// <summary>What the conversations look like; its scenes are those of the large pictures.</summary>
    public SynthConversationOptions Conversations { get; init; } = new();

    /// <summary>The least of the longer side of a picture, in pixels.</summary>
    public int MinSide { get; init; } = SynthSceneOptions.Training.MinLongerSide;

    /// <summary>The most of the longer side of a picture, in pixels; small pictures are cheap.</summary>
    public int MaxSide { get; init; } = SynthSceneOptions.Training.MaxSide;

    /// <summary>The share of pictures with up to 640 pixels a side instead.</summary>
    public double LargeShare { get; init; } = 0.06;

    /// <summary>No pictures: a description in words stands in the first question, and the questions are about it.</summary>
    public bool TextOnly { get; init; }

    /// <summary>One turn a picture, its description: for the alignment of features.</summary>
    public bool DescribeOnly { get; init; }

    /// <summary>Reads <c>synth:seed=7,turns=5,max_side=200,large=0.05,describe_share=0.5,describe_first=0.75,text,describe</c>; every part may be left out. <c>weight_color=2</c> asks a type (a name of <see cref="SynthCategories"/>) more or less often.</summary>
    /// <exception cref="LlavaException">A part is not known or its value is no number.</exception>
    public static SynthConversationSourceOptions Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!text.StartsWith(Scheme, StringComparison.Ordinal))
            throw new LlavaException($"'{text}' does not begin with '{Scheme}'.");
        var options = new SynthConversationSourceOptions();
        foreach (var part in text[Scheme.Length..].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = part.IndexOf('=');
            var (key, value) = equals < 0 ? (part, "1") : (part[..equals], part[(equals + 1)..]);
            SynthQuestionType? type = key.StartsWith(WeightPrefix, StringComparison.Ordinal) ? SynthCategories.Parse(key[WeightPrefix.Length..]) : null;
            if (type is null && !Keys.Contains(key))
                throw new UnknownNameException($"part of '{text}'", key, Keys);
            if (!double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || double.IsNaN(number) || Math.Abs(number) > 1e15)
                throw new LlavaException($"'{part}' in '{text}' is no number.");
            var talk = options.Conversations;
            options = key switch
            {
                _ when type is { } asked => options with { Conversations = talk with { Weights = new Dictionary<SynthQuestionType, double>(talk.Weights) { [asked] = number } } },
                "seed" => options with { Seed = (long)number },
                "turns" => options with { Conversations = talk with { Turns = (int)Math.Clamp(number, 0, 1000) } },
                "min_side" => options with { MinSide = (int)Math.Clamp(number, 0, 1e6) },
                "max_side" => options with { MaxSide = (int)Math.Clamp(number, 0, 1e6) },
                "large" => options with { LargeShare = number },
                "describe_share" => options with { Conversations = talk with { DescribeShare = number } },
                "describe_first" => options with { Conversations = talk with { DescribeFirstShare = number } },
                "text" => options with { TextOnly = number != 0 },
                _ => options with { DescribeOnly = number != 0 },
            };
        }
        return options;
    }
}
