using LlavaSharp.Generation;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>A decoder-only language model: embeddings in, hidden states out, logits where they are wanted.</summary>
public abstract class CausalLanguageModel
{
    private readonly Embedding _embedding;
    private readonly Linear _output;
    private readonly bool _isTied;

    /// <summary>Takes what all of them share.</summary>
    /// <param name="embedding">The token embeddings.</param>
    /// <param name="output">The projection to logits; null: it is tied to the embeddings.</param>
    /// <param name="devices">Where its layers lie; null: all on one device.</param>
    private protected CausalLanguageModel(Embedding embedding, Linear? output, DeviceMap? devices)
    {
        (_embedding, _isTied, Devices) = (embedding, output is null, devices ?? new(CPU));
        (VocabularySize, HiddenSize) = ((int)embedding.Weight.shape[0], (int)embedding.Weight.shape[1]);
        _output = output ?? new DenseLinear(embedding.Weight, null);
    }

    /// <summary>The width of embeddings and hidden states.</summary>
    public int HiddenSize { get; }

    /// <summary>The number of rows of the token embeddings and of the output projection.</summary>
    public int VocabularySize { get; }

    /// <summary>The format that caches of keys and values take when nobody says otherwise.</summary>
    public KeyValueFormat CacheFormat { get; internal set; }

    /// <summary>Where its layers lie.</summary>
    private protected DeviceMap Devices { get; }

    /// <summary>Up to how many positions a sequence may have so that the keys of its beginning do not change when it grows.</summary>
    internal virtual int StableLength => int.MaxValue;

    /// <summary>
    /// Whether, in float32 and with a cache of integers, a token's logits have the same bits whether it is computed alone or with a few others. libtorch's
    /// products do not promise this, kernels of our own do.
    /// </summary>
    internal virtual bool IsBatchInvariant => false;

    /// <summary>Whether that holds for the projection to logits.</summary>
    private protected bool IsOutputBatchInvariant => _output.IsBatchInvariant;

    /// <summary>The number of layers.</summary>
    public abstract int Layers { get; }

    /// <summary>The embedding of tokens.</summary>
    /// <param name="ids">Int64, any shape.</param>
    /// <returns>[..., hidden].</returns>
    public Tensor Embed(Tensor ids) => _embedding.Forward(ids);

    /// <summary>The hidden states after the last norm.</summary>
    /// <param name="embeddings">[B, T, hidden].</param>
    /// <param name="positions">Int64 [1 or B, T]: the positions of the new tokens.</param>
    /// <param name="visible">Boolean [B, past + T], false at padding; null when nothing is padded.</param>
    /// <param name="cache">The keys and values so far, extended by this call; null: nothing precedes and nothing is kept.</param>
    /// <returns>[B, T, hidden]; with several devices, on the last layer's.</returns>
    public abstract Tensor Forward(Tensor embeddings, Tensor positions, Tensor? visible = null, KeyValueCache? cache = null);

    /// <summary>The logits of hidden states.</summary>
    /// <param name="hidden">[..., hidden].</param>
    /// <returns>[..., vocabulary].</returns>
    public Tensor Logits(Tensor hidden)
    {
        if (!_isTied || Devices.Last == 0)
            return _output.Forward(hidden);
        using var scope = NewDisposeScope();
        return _output.Forward(Devices.ToFirst(hidden)).MoveToOuterDisposeScope();   // [..., V]
    }
}
