namespace LlavaSharp.Serving.Web;

/// <summary>Which faults of the original's web server are reproduced. By default none is.</summary>
public sealed record WebQuirks
{
    /// <summary>Every fault mended.</summary>
    public static WebQuirks Mended { get; } = new();

    /// <summary>Every fault as in the original.</summary>
    public static WebQuirks Original { get; } = new() { UnescapedModeration = true, OnePicture = true, FirstTemplateStays = true, FailuresAreAnswers = true };

    /// <summary>Q23: the text of a moderation request loses its line feeds and is not escaped, so that a quotation mark makes the request unreadable.</summary>
    public bool UnescapedModeration { get; init; }

    /// <summary>A picture begins the conversation anew, so that there is one at most, and its marker stands in front of the text wherever the user put it.</summary>
    public bool OnePicture { get; init; }

    /// <summary>A conversation keeps the template of the model that gave its first answer, whichever model is asked later.</summary>
    public bool FirstTemplateStays { get; init; }

    /// <summary>What the page shows in the place of an answer that failed stays in the conversation, and the model is told later that it said so.</summary>
    public bool FailuresAreAnswers { get; init; }
}
