namespace LlavaSharp.Data.Synth;

/// <summary>
/// The wordings of the questions. {0} is the first thing named, {1} the second, {a} its article; the first wordings of each list are asked most.
/// </summary>
internal static class SynthPhrases
{
    private static readonly string[] _color =
    [
        "What color is the {0}?", "Which color is the {0}?", "What is the color of the {0}?", "What colour is the {0}?",
        "What color does the {0} have?", "Which color does the {0} have?", "Tell me the color of the {0}.", "The {0} is what color?",
    ];

    private static readonly string[] _shape =
    [
        "What shape is the {0}?", "Which shape is the {0}?", "What is the shape of the {0}?", "What shape does the {0} have?",
        "Which shape does the {0} have?", "Tell me the shape of the {0}.", "What is the {0}?",
    ];

    private static readonly string[] _countAll =
    [
        "How many objects are there?", "How many shapes are in the picture?", "How many objects are in the picture?", "How many shapes are there?",
        "How many things do you see?", "How many objects are in the image?", "Count the objects.", "What is the number of objects in the picture?",
    ];

    private static readonly string[] _countColor =
    [
        "How many {0} objects are there?", "How many {0} objects are in the picture?", "How many objects are {0}?", "How many {0} shapes are there?",
        "How many {0} things do you see?", "How many of the objects are {0}?", "Count the {0} objects.", "What is the number of {0} objects?",
    ];

    private static readonly string[] _countShape =
    [
        "How many {0} are there?", "How many {0} are in the picture?", "How many {0} do you see?", "How many of the objects are {0}?",
        "How many {0} are in the image?", "Count the {0}.", "What is the number of {0}?", "How many {0} can you see?",
    ];

    private static readonly string[] _presence =
    [
        "Is there {a} {0}?", "Is there {a} {0} in the picture?", "Do you see {a} {0}?", "Can you see {a} {0}?",
        "Does the picture show {a} {0}?", "Is {a} {0} in the image?", "Are there any {0}s?", "Is there any {0}?",
    ];

    private static readonly string[] _place =
    [
        "Where is the {0}?", "Where is the {0} in the picture?", "Where can I find the {0}?", "In which part of the picture is the {0}?",
        "What is the position of the {0}?", "Tell me where the {0} is.", "Where do you see the {0}?",
    ];

    private static readonly string[] _size =
    [
        "Is the {0} big or small?", "Is the {0} small or big?", "What size is the {0}?", "How big is the {0}?",
        "What is the size of the {0}?", "Is the {0} a big one or a small one?", "Which size does the {0} have?",
    ];

    private static readonly string[] _horizontal =
    [
        "Is the {0} left or right of the {1}?", "Is the {0} to the left or to the right of the {1}?", "Is the {0} right or left of the {1}?",
        "Is the {0} on the left or on the right of the {1}?", "On which side of the {1} is the {0}, left or right?",
        "Seen from the {1}, is the {0} left or right?",
    ];

    private static readonly string[] _vertical =
    [
        "Is the {0} above or below the {1}?", "Is the {0} below or above the {1}?", "Does the {0} lie above or below the {1}?",
        "Where is the {0}, above or below the {1}?", "Seen from the {1}, is the {0} above or below?", "Is the {0} placed above or below the {1}?",
    ];

    private static readonly string[] _describe =
    [
        "What is in the picture?", "Describe the image.", "Describe the picture.", "What do you see?", "What is in the image?",
        "Describe this image.", "What can you see in the picture?", "What does the picture show?", "List the objects in the picture.", "Describe what you see.",
    ];

    /// <summary>The wordings of a type that asks about the scene.</summary>
    public static string[] For(SynthQuestionType type) => type switch
    {
        SynthQuestionType.Color => _color,
        SynthQuestionType.Shape => _shape,
        SynthQuestionType.CountAll => _countAll,
        SynthQuestionType.CountColor => _countColor,
        SynthQuestionType.CountShape => _countShape,
        SynthQuestionType.Presence => _presence,
        SynthQuestionType.Place => _place,
        SynthQuestionType.Size => _size,
        SynthQuestionType.RelationHorizontal => _horizontal,
        SynthQuestionType.RelationVertical => _vertical,
        SynthQuestionType.Describe => _describe,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "This type has no wordings of its own."),
    };

    /// <summary>One wording; the first two together are asked about half of the time, since they are what people ask.</summary>
    public static string Pick(SynthQuestionType type, SynthRandom random)
    {
        var wordings = For(type);
        return wordings[random.Chance(0.35) ? random.Below(2) : random.Below(wordings.Length)];
    }
}
