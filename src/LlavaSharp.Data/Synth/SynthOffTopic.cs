namespace LlavaSharp.Data.Synth;

/// <summary>What lies outside the synthetic world, and the few sentences that answer it.</summary>
public static class SynthOffTopic
{
    /// <summary>The answer to every question about another kind of picture or about other things.</summary>
    public const string OnlyShapes = "I can only talk about simple pictures of colored circles, squares, triangles and stars.";

    /// <summary>The answer to a greeting.</summary>
    public const string Greeting = "Hello! " + OnlyShapes;

    /// <summary>The answer to who or what the model is.</summary>
    public const string Who = "I am a small LLaVA model. " + OnlyShapes;

    /// <summary>The answer to what the model can do.</summary>
    public const string Abilities = "I can name the colors, shapes, sizes and places of circles, squares, triangles and stars in simple pictures.";

    /// <summary>The answer to a question about a picture when there is none.</summary>
    public const string NoPicture = "I need a picture. " + OnlyShapes;

    /// <summary>Every answer of <see cref="SynthQuestionType.OutOfWorld"/>.</summary>
    public static IReadOnlyList<string> Answers { get; } = [OnlyShapes, Greeting, Who, Abilities, NoPicture];

    internal static readonly string[] Greetings =
    [
        "Hello", "Hello!", "Hi", "Hi!", "Hi there!", "Hey", "Good morning!", "Good evening!", "Good day.", "Hello, how are you?", "How are you?", "How are you today?",
    ];

    internal static readonly string[] WhoQuestions =
    [
        "Who are you?", "What are you?", "What is your name?", "Are you a robot?", "Are you a person?", "Who made you?", "Which model are you?", "Tell me about yourself.",
    ];

    internal static readonly string[] AbilityQuestions =
    [
        "What can you do?", "What do you know?", "How can you help me?", "What can I ask you?", "Help", "Can you help me?", "What are you good at?", "What questions can you answer?",
    ];

    /// <summary>Questions about the world at large, asked without a picture.</summary>
    internal static readonly string[] GeneralQuestions =
    [
        "What is the capital of France?", "What is the capital of Japan?", "Who wrote Hamlet?", "What is two plus two?", "What is the weather like today?",
        "Tell me a joke.", "Write a poem about the sea.", "What time is it?", "How far away is the moon?", "Who is the president?", "Translate this into German.",
        "What is the meaning of life?", "How do I bake bread?", "Write a program that sorts a list.", "Which team won the game?", "When did the war end?",
        "Explain how a car works.", "Give me a recipe for soup.", "What is the largest country?", "How many days are in a year?", "Do you like music?",
        "What should I eat for lunch?", "Summarize the book.", "Why is the sky blue?", "Where is London?", "Thank you.", "Goodbye", "What is the news?",
    ];

    /// <summary>Questions about things that no picture of the world shows.</summary>
    internal static readonly string[] PictureQuestions =
    [
        "What is the person wearing?", "Where was this taken?", "Who is in the picture?", "What is the weather like?", "What animal is this?",
        "What does the sign say?", "How old is the man?", "What time is it on the clock?", "What are the people doing?", "Which city is this?",
        "Is it day or night?", "What is on the table?", "What is unusual about this image?", "Who painted this?", "When was this photo taken?",
        "What brand is the car?", "How many people are there?", "What food is this?", "What is the man holding?", "Is the dog asleep?",
        "What is written here?", "What is the woman looking at?", "What season is it?", "Which country is this?", "What is the mood of the picture?",
        "What should I be careful about when I visit this place?", "Write a story about this picture.", "What happens next?", "Is the cat happy?", "What sport is this?",
    ];

    /// <summary>Questions in the form of the world's own about the things of <see cref="Things"/>.</summary>
    internal static readonly string[] ThingQuestions =
    [
        "What color is the {0}?", "Where is the {0}?", "Is there {a} {0}?", "How many {0}s are there?", "What is the {0} doing?",
        "Do you see {a} {0}?", "Is the {0} big or small?", "Describe the {0}.", "What kind of {0} is this?", "Is the {0} left or right of the house?",
    ];

    internal static readonly string[] Things =
    [
        "car", "dog", "cat", "house", "tree", "bird", "man", "woman", "person", "child", "horse", "boat", "train", "bus", "plane", "bicycle", "phone", "table", "chair",
        "bottle", "cup", "book", "computer", "flower", "cloud", "mountain", "road", "river", "shirt", "hat", "shoe", "face", "hand", "clock", "window", "door", "apple",
        "banana", "pizza", "cow", "elephant", "umbrella", "ball", "bag", "lamp", "bed", "bridge", "king",
    ];

    /// <summary>A question about something else, about a picture.</summary>
    internal static string AskAboutPicture(SynthRandom random) =>
        random.Chance(0.5) ? random.Pick<string>(PictureQuestions) : Fill(random.Pick<string>(ThingQuestions), random.Pick<string>(Things));

    /// <summary>A question or greeting without any picture, and its answer.</summary>
    internal static (string Text, string Answer) AskWithoutPicture(SynthRandom random) => random.Below(10) switch
    {
        < 2 => (random.Pick<string>(Greetings), Greeting),
        < 4 => (random.Pick<string>(WhoQuestions), Who),
        < 6 => (random.Pick<string>(AbilityQuestions), Abilities),
        _ => (random.Pick<string>(GeneralQuestions), OnlyShapes),
    };

    internal static string Fill(string wording, string noun) =>
        wording.Replace("{a}", SynthWords.Article(noun), StringComparison.Ordinal).Replace("{0}", noun, StringComparison.Ordinal);
}
