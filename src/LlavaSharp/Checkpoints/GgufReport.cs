namespace LlavaSharp.Checkpoints;

/// <summary>What a GGUF file says of itself in its header.</summary>
public sealed record GgufReport
{
    /// <summary>The kind of network, such as <c>llama</c> (<c>general.architecture</c>).</summary>
    public required string Architecture { get; init; }

    /// <summary>The model's name (<c>general.name</c>), or null.</summary>
    public string? ModelName { get; init; }

    /// <summary>Whether models of this architecture can be loaded here; else nothing is known of which tensors they need.</summary>
    public required bool CanBeLoaded { get; init; }

    /// <summary>The sizes of the network by their names in the file, without the architecture in front, such as <c>embedding_length</c>; those that the file has.</summary>
    public required IReadOnlyDictionary<string, long> Dimensions { get; init; }

    /// <summary>How the tensors are stored, the type with the most numbers first.</summary>
    public required IReadOnlyList<GgufTypeCount> TensorTypes { get; init; }

    /// <summary>The kind of tokenizer (<c>llama</c>: SentencePiece; <c>gpt2</c>: byte-level BPE), or null.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>How the tokenizer cuts text first, or null.</summary>
    public string? PreTokenizer { get; init; }

    /// <summary>The number of tokens, or null.</summary>
    public int? Tokens { get; init; }
}
