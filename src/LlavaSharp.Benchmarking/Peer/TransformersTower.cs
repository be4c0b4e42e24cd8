using LlavaSharp.Models;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Benchmarking.Peer;

/// <summary>
/// Tower and projector in single-precision libtorch, operation for operation as transformers 4.37 and LLaVA run them: all layers, also the last one that
/// LLaVA does not use, separate projections, attention as two batched products with a softmax between, quick-GELU as x * sigmoid(1.702 x).
/// </summary>
internal sealed class TransformersTower : IDisposable
{
    private readonly BenchShape _shape;
    private readonly IWeightSource _weights;
    private readonly Dictionary<string, Tensor> _found = new(StringComparer.Ordinal);
    private readonly IDisposable[] _owned;

    /// <summary>Takes the weights.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="weights">The tower's tensors by the names of its own folder, and the projector's.</param>
    /// <param name="owned">What is disposed with it.</param>
    public TransformersTower(BenchShape shape, IWeightSource weights, params IDisposable[] owned) => (_shape, _weights, _owned) = (shape, weights, owned);

    /// <summary>pixels [N, 3, S, S] to the projected features [N, P, C].</summary>
    public Tensor Forward(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var vision = _shape.Tower;
        long width = vision.HiddenSize, inner = vision.IntermediateSize;
        const string Root = "vision_model.";
        var patches = nn.functional.conv2d(pixels, Weight(Root + "embeddings.patch_embedding.weight", width, vision.NumChannels, vision.PatchSize, vision.PatchSize), strides: [vision.PatchSize, vision.PatchSize]);
        patches = patches.flatten(2).transpose(1, 2);                                                                       // [N, P, C]
        var x = cat([Weight(Root + "embeddings.class_embedding", width).expand(pixels.shape[0], 1, -1), patches], 1);       // [N, 1 + P, C]
        x = x.Plus(Weight(Root + "embeddings.position_embedding.weight", vision.PatchCount + 1, width));
        x = Norm(x, Root + "pre_layrnorm", width);
        var hidden = new List<Tensor> { x };
        for (var i = 0; i < vision.NumHiddenLayers; i++)
        {
            var layer = $"{Root}encoder.layers.{i}.";
            x = x.Plus(Attention(Norm(x, layer + "layer_norm1", width), layer + "self_attn.", width));
            var widened = Linear(Norm(x, layer + "layer_norm2", width), layer + "mlp.fc1", width, inner);                   // [N, 1 + P, 4C]
            x = x.Plus(Linear(widened * sigmoid(widened * Scalars.Of(1.702)), layer + "mlp.fc2", inner, width));            // [N, 1 + P, C]
            hidden.Add(x);
        }
        _ = Norm(x.narrow(1, 0, 1), Root + "post_layernorm", width);                                                        // the pooled output, which LLaVA does not use
        var select = _shape.Config.MmVisionSelectLayer!.Value;
        var features = hidden[select < 0 ? hidden.Count + select : select].narrow(1, 1, vision.PatchCount);                  // [N, P, C]
        long outputs = _shape.Config.HiddenSize;
        var projected = Linear(features, "model.mm_projector.0", width, outputs);
        return Linear(nn.functional.gelu(projected), "model.mm_projector.2", outputs, outputs).MoveToOuterDisposeScope();    // [N, P, hidden]
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var resource in _owned)
            resource.Dispose();
    }

    private Tensor Attention(Tensor x, string scope, long width)
    {
        long batch = x.shape[0], length = x.shape[1], heads = _shape.Tower.NumAttentionHeads, head = width / heads;
        var q = Heads(Linear(x, scope + "q_proj", width, width) * Scalars.Of(1 / Math.Sqrt(head)));   // [N * H, T, D]
        var k = Heads(Linear(x, scope + "k_proj", width, width));
        var v = Heads(Linear(x, scope + "v_proj", width, width));
        var shares = nn.functional.softmax(q.bmm(k.transpose(1, 2)), -1);                              // [N * H, T, T]
        var mixed = shares.bmm(v).view(batch, heads, length, head).transpose(1, 2).reshape(batch, length, width);
        return Linear(mixed, scope + "out_proj", width, width);

        Tensor Heads(Tensor y) => y.view(batch, length, heads, head).transpose(1, 2).contiguous().view(batch * heads, length, head);
    }

    private Tensor Linear(Tensor x, string name, long inputs, long outputs) =>
        nn.functional.linear(x, Weight(name + ".weight", outputs, inputs), Weight(name + ".bias", outputs));

    private Tensor Norm(Tensor x, string name, long width) =>
        nn.functional.layer_norm(x, [width], Weight(name + ".weight", width), Weight(name + ".bias", width), _shape.Tower.LayerNormEps);

    // names are not looked up twice: that would be no part of the graph
    private Tensor Weight(string name, params ReadOnlySpan<long> shape)
    {
        if (!_found.TryGetValue(name, out var weight))
            _found.Add(name, weight = _weights.Get(name, shape));
        return weight;
    }
}
