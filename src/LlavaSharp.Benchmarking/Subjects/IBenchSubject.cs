namespace LlavaSharp.Benchmarking.Subjects;

/// <summary>Something whose speed is measured. All calls come from one thread; what they return is seconds, of the work itself.</summary>
internal interface IBenchSubject : IDisposable
{
    /// <summary>How results name its weights, such as <c>4bit</c>.</summary>
    string Name { get; }

    /// <summary>Bits of a weight.</summary>
    int Bits { get; }

    /// <summary>Bytes of weights that one step of decoding reads; 0 before <see cref="Load"/>.</summary>
    double StepBytes { get; }

    /// <summary>Bytes of keys and values that one step reads for each position before it.</summary>
    double PositionBytes { get; }

    /// <summary>What the last <see cref="Decode"/> chose, [steps][sequences].</summary>
    IReadOnlyList<IReadOnlyList<int>> LastTokens { get; }

    /// <summary>Loads the model, in the place of the one before.</summary>
    double Load();

    /// <summary>Computes a prompt in an empty cache, up to the logits of its last token.</summary>
    double Prefill(IReadOnlyList<int> ids);

    /// <summary>Computes one token after another, greedily.</summary>
    /// <param name="ids">The context of each sequence; computed first, once, which is not timed.</param>
    /// <param name="first">The token after it, for each sequence; all sequences are computed together.</param>
    /// <param name="steps">How many tokens.</param>
    /// <returns>Seconds of one step.</returns>
    double Decode(IReadOnlyList<int> ids, IReadOnlyList<int> first, int steps);

    /// <summary>Computes the embeddings of one picture: tower and projector.</summary>
    double EncodeImage();

    /// <summary>Answers a question about a picture as a user would have it: picture, prompt, and so many tokens.</summary>
    /// <param name="question">The ids of the question, which follow the picture.</param>
    /// <param name="tokens">How many tokens the answer has.</param>
    double Answer(IReadOnlyList<int> question, int tokens);
}
