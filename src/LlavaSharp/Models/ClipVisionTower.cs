using LlavaSharp.Checkpoints;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>CLIP's vision transformer (Radford et al. 2021), up to the layer whose output LLaVA takes.</summary>
public sealed class ClipVisionTower
{
    private readonly ClipVisionConfig _config;
    private readonly Tensor _classEmbedding;       // [C]
    private readonly Tensor _patchKernel;          // [C, 3, P, P]
    private readonly Tensor _positionEmbedding;    // [1 + patches, C]
    private readonly LayerNorm _preNorm;
    private readonly ClipLayer[] _layers;
    private readonly bool _dropClassToken;

    /// <summary>Builds the layers that are needed over the tensors below <paramref name="weights"/> (the scope "vision_model").</summary>
    /// <param name="config">The tower's own config.</param>
    /// <param name="weights">The scope that holds "embeddings", "pre_layrnorm" and "encoder".</param>
    /// <param name="selectLayer">Index into the hidden states: the embeddings, then each layer's output; negative counts from the end (-2 in all published checkpoints).</param>
    /// <param name="selectFeature">"patch" drops the class token, "cls_patch" keeps it.</param>
    /// <exception cref="CheckpointException">No such layer.</exception>
    /// <exception cref="UnknownNameException">Another feature selection.</exception>
    public ClipVisionTower(ClipVisionConfig config, WeightScope weights, int selectLayer, string selectFeature)
    {
        _config = config;
        _dropClassToken = selectFeature switch
        {
            "patch" => true,
            "cls_patch" => false,
            _ => throw new UnknownNameException("mm_vision_select_feature", selectFeature, ["patch", "cls_patch"]),
        };
        var used = selectLayer < 0 ? config.NumHiddenLayers + 1 + selectLayer : selectLayer;
        if (used < 0 || used > config.NumHiddenLayers)
            throw new CheckpointException($"mm_vision_select_layer is {selectLayer}, but the vision tower has {config.NumHiddenLayers} layers. Set it to a value from {-config.NumHiddenLayers - 1} to {config.NumHiddenLayers}.");
        int width = config.HiddenSize, patch = config.PatchSize, side = config.ImageSize / config.PatchSize;
        PatchesPerSide = side;
        var embeddings = weights["embeddings"];
        _classEmbedding = embeddings["class_embedding"].Tensor(width);
        _patchKernel = embeddings["patch_embedding"]["weight"].Tensor(width, config.NumChannels, patch, patch);
        _positionEmbedding = embeddings["position_embedding"]["weight"].Tensor(1 + side * side, width);
        _preNorm = weights["pre_layrnorm"].LayerNorm(width, config.LayerNormEps);
        _layers = new ClipLayer[used];
        for (var i = 0; i < used; i++)
            _layers[i] = new ClipLayer(config, weights["encoder"]["layers"][i]);
    }

    /// <summary>The number of patches along one side of the picture.</summary>
    public int PatchesPerSide { get; }

    /// <summary>The number of features of one picture.</summary>
    public int FeaturesPerImage => PatchesPerSide * PatchesPerSide + (_dropClassToken ? 0 : 1);

    /// <summary>The width of a feature.</summary>
    public int HiddenSize => _config.HiddenSize;

    /// <summary>The data type of the tower's weights; pixel values are cast to it.</summary>
    public ScalarType DataType => _patchKernel.dtype;

    /// <summary>The selected features of pictures.</summary>
    /// <param name="pixelValues">[N, 3, S, S].</param>
    /// <param name="observe">Called with each hidden state [N, 1 + patches, C], the embeddings first.</param>
    /// <returns>[N, features, C] in the type of <paramref name="pixelValues"/>.</returns>
    /// <exception cref="ArgumentException">The pictures do not have the tower's size.</exception>
    public Tensor Forward(Tensor pixelValues, Action<Tensor>? observe = null)
    {
        if (pixelValues.shape is not [_, _, var height, var width] || height != _config.ImageSize || width != _config.ImageSize)
            throw new ArgumentException($"The vision tower takes pixel values [N, {_config.NumChannels}, {_config.ImageSize}, {_config.ImageSize}], not [{string.Join(", ", pixelValues.shape)}].", nameof(pixelValues));
        using var scope = NewDisposeScope();
        var x = Embed(pixelValues);
        observe?.Invoke(x);
        foreach (var layer in _layers)
        {
            x = layer.Forward(x);                                                                                                      // [N, 1 + patches, C]
            observe?.Invoke(x);
        }
        return Select(x, pixelValues.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>The number of layers.</summary>
    internal int Layers => _layers.Length;

    /// <summary>What the first layer takes: pictures [N, 3, S, S] to [N, 1 + patches, C].</summary>
    internal Tensor Embed(Tensor pixelValues)
    {
        using var scope = NewDisposeScope();
        var patches = nn.functional.conv2d(pixelValues.to(DataType), _patchKernel, strides: [_config.PatchSize, _config.PatchSize]);   // [N, C, S/P, S/P]
        patches = patches.flatten(2).transpose(1, 2);                                                                                  // [N, patches, C]
        var x = cat([_classEmbedding.expand(patches.shape[0], 1, -1), patches], 1).Plus(_positionEmbedding);                               // [N, 1 + patches, C]
        return _preNorm.Forward(x).MoveToOuterDisposeScope();
    }

    /// <summary>One layer: x [N, 1 + patches, C] to the same shape.</summary>
    internal Tensor ForwardLayer(int layer, Tensor x) => _layers[layer].Forward(x);

    /// <summary>The features that LLaVA takes of the last layer's output x [N, 1 + patches, C]: [N, features, C].</summary>
    internal Tensor Select(Tensor x, ScalarType type)
    {
        using var scope = NewDisposeScope();
        if (_dropClassToken)
            x = x.narrow(1, 1, x.shape[1] - 1);                                                                                        // [N, patches, C]
        return x.to(type).MoveToOuterDisposeScope();
    }
}
