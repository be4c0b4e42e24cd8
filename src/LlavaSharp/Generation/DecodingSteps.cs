using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Generation;

/// <summary>The passes of one answer through the language model: the prompt, then token after token. Runs on the model's thread, under no gradient.</summary>
internal sealed class DecodingSteps(CausalLanguageModel language, Device device, CachedSequence sequence)
{
    /// <summary>Computes a prompt, but for what the sequence holds already.</summary>
    /// <param name="prompt">One row.</param>
    /// <param name="contents">What stands at its positions.</param>
    /// <returns>The logits of its last position [V], and how many of its positions were held.</returns>
    public (float[] Logits, int Reused) Begin(MergedBatch prompt, ReadOnlySpan<PositionKey> contents)
    {
        // keys that change with the sequence's length are of no use to another length
        if (contents.Length > language.StableLength)
            sequence.Clear();
        var reused = sequence.Begin(contents);
        var count = contents.Length - reused;
        using var scope = NewDisposeScope();
        var hidden = language.Forward(prompt.Embeddings.narrow(1, reused, count), prompt.Positions.narrow(1, reused, count), null, sequence.Cache);   // [1, T, C]
        var logits = ToHost(language.Logits(hidden.narrow(1, count - 1, 1)));
        sequence.Append(contents[reused..]);
        return (logits[0], reused);
    }

    /// <summary>The logits after one more token [V].</summary>
    public float[] Next(int id)
    {
        using var scope = NewDisposeScope();
        var embeddings = language.Embed(tensor([(long)id], [1, 1], device: device));                        // [1, 1, C]
        var hidden = language.Forward(embeddings, tensor([(long)sequence.Length], [1, 1], device: device), null, sequence.Cache);
        var logits = ToHost(language.Logits(hidden));
        sequence.Append(new PositionKey(id));
        return logits[0];
    }

    // [1, T, V] to T rows
    private static float[][] ToHost(Tensor logits)
    {
        var values = logits.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
        return [.. values.Chunk((int)logits.shape[2])];
    }
}
