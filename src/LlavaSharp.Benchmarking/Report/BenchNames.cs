namespace LlavaSharp.Benchmarking.Report;

/// <summary>The names of the measurements, as the report has them before the form of the weights.</summary>
internal static class BenchNames
{
    /// <summary>One picture through tower and projector.</summary>
    public const string ImageEncode = "image_encode";

    /// <summary>A prompt.</summary>
    public const string Prefill = "prefill";

    /// <summary>One token after another, one sequence.</summary>
    public const string Decode = "decode_batch1";

    /// <summary>Bytes of weights, keys and values that decoding reads a second.</summary>
    public const string DecodeBandwidth = "decode_bandwidth";

    /// <summary>Several sequences together.</summary>
    public const string DecodeBatch = "decode_batch8";

    /// <summary>Tokens a second of several sequences against those of one.</summary>
    public const string BatchSpeedup = "batch8_speedup";

    /// <summary>How many of the tokens that several sequences got, each after its own, both sides chose alike: whether they compute the same model.</summary>
    /// <remarks>Formula weights prefer no token by much, so that a sequence goes its own way once 4 bits were rounded differently.</remarks>
    public const string SameTokens = "same_tokens";

    /// <summary>Loading the model.</summary>
    public const string Load = "load";

    /// <summary>Loading the model and computing the first prompt.</summary>
    public const string FirstToken = "first_token";

    /// <summary>Picture, question and answer.</summary>
    public const string Answer = "answer";

    /// <summary>Memory that the process holds.</summary>
    public const string Memory = "memory";
}
