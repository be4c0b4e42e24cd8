namespace LlavaSharp.Benchmarking.Peer;

/// <summary>The other side of a comparison: another program over the same language model. What it returns is seconds.</summary>
internal interface IBenchPeer : IDisposable
{
    /// <summary>What it is, once it has loaded.</summary>
    string Description { get; }

    /// <summary>What the last <see cref="Decode"/> chose, [steps][sequences].</summary>
    IReadOnlyList<IReadOnlyList<int>> LastTokens { get; }

    /// <summary>Loads the model, in the place of the one before.</summary>
    double Load();

    /// <summary>Computes a prompt in an empty cache.</summary>
    double Prefill(IReadOnlyList<int> ids);

    /// <summary>Computes one token after another.</summary>
    /// <param name="ids">The context of each sequence, which is not timed.</param>
    /// <param name="first">The token after it, for each sequence.</param>
    /// <param name="steps">How many tokens.</param>
    /// <returns>Seconds of one step.</returns>
    double Decode(IReadOnlyList<int> ids, IReadOnlyList<int> first, int steps);

    /// <summary>Bytes of memory that it holds.</summary>
    double Memory();
}
