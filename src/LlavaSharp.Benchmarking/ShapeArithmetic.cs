using LlavaSharp.Checkpoints;

namespace LlavaSharp.Benchmarking;

/// <summary>What a shape must compute and read at the least, counting a multiplication and an addition as two.</summary>
internal static class ShapeArithmetic
{
    /// <summary>Operations of a prompt: all matrices of the layers for all tokens, each token's attention to those before it, and the logits of the last.</summary>
    public static double Prefill(LlavaConfig config, int tokens)
    {
        double queries = (double)config.NumAttentionHeads * config.HeadDim, pairs = tokens * (tokens + 1.0) / 2;
        return 2 * (LayerWeights(config) * tokens + OutputWeights(config)) + 4 * queries * pairs * config.NumHiddenLayers;
    }

    /// <summary>Operations of a picture: the layers of the tower that are needed, and the projector.</summary>
    public static double Image(BenchShape shape)
    {
        var (vision, config) = (shape.Tower, shape.Config);
        double width = vision.HiddenSize, tokens = vision.PatchCount + 1, patch = vision.NumChannels * (double)vision.PatchSize * vision.PatchSize;
        var layers = config.MmVisionSelectLayer is { } select && select < 0 ? vision.NumHiddenLayers + 1 + select : config.MmVisionSelectLayer ?? vision.NumHiddenLayers;
        var layer = tokens * (4 * width * width + 2 * width * vision.IntermediateSize) + 2 * tokens * tokens * width;
        var projector = vision.PatchCount * ((double)config.MmHiddenSize!.Value * config.HiddenSize + (config.MmProjectorDepth - 1.0) * config.HiddenSize * config.HiddenSize);
        return 2 * (vision.PatchCount * patch * width + layers * layer + projector);
    }

    /// <summary>Weights in the matrices of the layers.</summary>
    public static double LayerWeights(LlavaConfig config)
    {
        double width = config.HiddenSize, queries = (double)config.NumAttentionHeads * config.HeadDim, keys = (double)config.NumKeyValueHeads * config.HeadDim;
        return config.NumHiddenLayers * (2 * width * queries + 2 * width * keys + 3 * width * config.IntermediateSize);
    }

    /// <summary>Weights of the output matrix.</summary>
    public static double OutputWeights(LlavaConfig config) => (double)config.VocabSize * config.HiddenSize;

    /// <summary>Numbers that the cache holds for one position of one sequence: keys and values of all layers.</summary>
    public static double CacheNumbers(LlavaConfig config) => 2.0 * config.NumHiddenLayers * config.NumKeyValueHeads * config.HeadDim;
}
