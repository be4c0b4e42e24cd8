namespace LlavaSharp.Benchmarking;

/// <summary>What is measured, and how often. The sizes are those of one picture and one question.</summary>
public sealed record BenchOptions
{
    /// <summary>The sizes of the model.</summary>
    public required BenchShape Shape { get; init; }

    /// <summary>How many threads compute, on both sides.</summary>
    public required int Threads { get; init; }

    /// <summary>How often everything is measured; medians count.</summary>
    public int Rounds { get; init; } = 5;

    /// <summary>Whether llama.cpp and plain libtorch compute the same, by turns.</summary>
    public bool Peer { get; init; }

    /// <summary>Whether packed weights are copied into large pages: <see cref="LoadOptions.LargePages"/>.</summary>
    public bool LargePages { get; init; }

    /// <summary>Tokens of the prompt: 576 of a picture and a question.</summary>
    public int PromptTokens { get; init; } = 620;

    /// <summary>Tokens before the one that is decoded.</summary>
    public int ContextTokens { get; init; } = 700;

    /// <summary>Tokens that are decoded in a round.</summary>
    public int Steps { get; init; } = 16;

    /// <summary>Sequences that are decoded together.</summary>
    public int Sequences { get; init; } = 8;

    /// <summary>Tokens of an answer.</summary>
    public int AnswerTokens { get; init; } = 100;

    /// <summary>Is told what is being done.</summary>
    public Action<string>? Notice { get; init; }

    /// <summary>Checks every value.</summary>
    /// <exception cref="LlavaException">A value is out of range, the system has no large pages that are asked for, or the model's context is too short.</exception>
    public void Validate()
    {
        foreach (var (name, value) in new[] { ("threads", Threads), ("rounds", Rounds), ("prompt tokens", PromptTokens), ("context tokens", ContextTokens), ("steps", Steps), ("sequences", Sequences), ("answer tokens", AnswerTokens) })
            if (value < 1)
                throw new LlavaException($"A measurement with {value} {name} is none. Give 1 or more.");
        if (LargePages && Kernels.LargePages.Obstacle is { } obstacle)
            throw new LlavaException($"{obstacle} Leave out --large-pages.");
        var longest = Math.Max(PromptTokens + AnswerTokens, ContextTokens + Steps);
        if (longest > Shape.Config.MaxPositionEmbeddings)
            throw new LlavaException($"The measurement takes {longest} positions, but the shape {Shape.Name} has {Shape.Config.MaxPositionEmbeddings}.");
    }
}
