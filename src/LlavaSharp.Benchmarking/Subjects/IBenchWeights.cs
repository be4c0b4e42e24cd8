using LlavaSharp.Checkpoints.Gguf;

namespace LlavaSharp.Benchmarking.Subjects;

/// <summary>A way of holding a shape's formula weights: in single precision, or packed.</summary>
internal interface IBenchWeights
{
    /// <summary>How results name it, such as <c>4bit</c>.</summary>
    string Name { get; }

    /// <summary>Bits of a weight.</summary>
    int Bits { get; }

    /// <summary>How llama.cpp holds the matrices that are compared with it.</summary>
    GgufType PeerMatrices { get; }

    /// <summary>How llama.cpp holds the output matrix.</summary>
    GgufType PeerOutput { get; }

    /// <summary>Builds the network, as loading a checkpoint does.</summary>
    BenchNetwork Load(BenchShape shape);
}
