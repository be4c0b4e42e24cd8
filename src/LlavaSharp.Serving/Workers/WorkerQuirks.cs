namespace LlavaSharp.Serving.Workers;

/// <summary>Which faults of the original's workers are reproduced. By default none is.</summary>
public sealed record WorkerQuirks
{
    /// <summary>Every fault mended.</summary>
    public static WorkerQuirks Mended { get; } = new();

    /// <summary>Every fault as in the original.</summary>
    public static WorkerQuirks Original { get; } = new() { StopIsCutOnly = true, HeartBeatsBlock = true, FixedPictureTokens = true, NameDecidesSight = true, DeadThreadSilence = TimeSpan.FromSeconds(15) };

    /// <summary>
    /// Q18: a missing <c>stop</c> fails at the first piece of text; an empty one erases the text; any other is cut off where a piece ends in it, and generation goes on.
    /// Mended, a missing or empty one is none, and generation ends at the text.
    /// </summary>
    public bool StopIsCutOnly { get; init; }

    /// <summary>Q21: heartbeats are sent before and after each answer, which waits for them, also by workers that do not register; they are tried again for ever.</summary>
    public bool HeartBeatsBlock { get; init; }

    /// <summary>Q22: each picture counts as many tokens as the tower has patches, also where it is cut into tiles.</summary>
    public bool FixedPictureTokens { get; init; }

    /// <summary>So long a worker is silent before it fails where the prompt has markers and the request no pictures: the thread that generates has died unnoticed. Mended: not at all.</summary>
    public TimeSpan DeadThreadSilence { get; init; }

    /// <summary>Q25: pictures are ignored unless the model's name contains <c>llava</c>; else the checkpoint decides.</summary>
    public bool NameDecidesSight { get; init; }
}
