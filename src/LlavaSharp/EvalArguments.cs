using LlavaSharp.Generation;

namespace LlavaSharp;

/// <summary>The arguments of the original's <c>eval_model</c>, with its names and defaults.</summary>
public sealed record EvalArguments
{
    /// <summary>A checkpoint's folder or hub id; null: the embedded model.</summary>
    public string? ModelPath { get; init; }

    /// <summary>The language model that an adapter or a projector belongs to.</summary>
    public string? ModelBase { get; init; }

    /// <summary>Not used, as in the original: the name comes from the path (<see cref="LoadOptions.ModelName"/> gives another).</summary>
    public string? ModelName { get; init; }

    /// <summary>The question. <c>&lt;image-placeholder&gt;</c> in it marks a picture's place; without it, pictures stand in front.</summary>
    public required string Query { get; init; }

    /// <summary>The conversation template; null: the model's.</summary>
    public string? ConvMode { get; init; }

    /// <summary>Files, URLs or data URIs of pictures, joined by <see cref="Sep"/>; null or empty: a question without a picture.</summary>
    public string? ImageFile { get; init; }

    /// <summary>What stands between the names in <see cref="ImageFile"/>.</summary>
    public string Sep { get; init; } = ",";

    /// <summary>0: always the most probable token; above: sampling.</summary>
    public double Temperature { get; init; } = 0.2;

    /// <summary>Sample only from the most probable tokens that together reach this probability; null: from all.</summary>
    public double? TopP { get; init; }

    /// <summary>The width of beam search.</summary>
    public int NumBeams { get; init; } = 1;

    /// <summary>The most tokens to generate.</summary>
    public int MaxNewTokens { get; init; } = 512;

    /// <summary>The seed of sampling; null takes a new one every time. The original has none.</summary>
    public ulong? Seed { get; init; }

    /// <summary>How to generate; top-p is off when it is not given, whatever the checkpoint says.</summary>
    public GenerationOptions ToGenerationOptions() => new()
    {
        Temperature = Temperature,
        TopP = TopP,
        NumBeams = NumBeams,
        MaxNewTokens = MaxNewTokens,
        Seed = Seed,
    };

    /// <summary>The pictures' files, URLs or data URIs, in order.</summary>
    /// <exception cref="LlavaException">The separator is empty, or a name is.</exception>
    public IReadOnlyList<string> ImageSources()
    {
        if (ImageFile is null)
            return [];
        if (ImageFile.Length == 0)
            throw new LlavaException("The picture's name (--image-file) is empty. Name a file or URL, or leave the flag out to ask without a picture.");
        if (Sep.Length == 0)
            throw new LlavaException("The separator of picture names (--sep) is empty. Give at least one character.");
        // a data URI has a comma of its own
        if (ImageFile.StartsWith("data:", StringComparison.OrdinalIgnoreCase) && Sep == ",")
            return [ImageFile];
        var sources = ImageFile.Split(Sep);
        return sources.All(source => source.Length > 0)
            ? sources
            : throw new LlavaException($"The list of pictures '{ImageFile}' has an empty name in it. Names are separated by '{Sep}' (--sep).");
    }
}
