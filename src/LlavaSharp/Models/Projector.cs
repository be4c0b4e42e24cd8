using System.Globalization;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>What turns image features into token embeddings: <c>linear</c>, <c>mlpNx_gelu</c> (N linear layers with exact GELU between) or <c>identity</c>.</summary>
public sealed partial class Projector
{
    private readonly Linear[] _layers;

    /// <summary>Builds the projector that the config's <c>mm_projector_type</c> names.</summary>
    /// <param name="type">The name; the original's default is "linear".</param>
    /// <param name="inputs">The width of image features.</param>
    /// <param name="outputs">The width of token embeddings.</param>
    /// <param name="weights">The scope "mm_projector".</param>
    /// <exception cref="UnknownNameException">No such projector.</exception>
    public Projector(string type, long inputs, long outputs, WeightScope weights)
    {
        if (type == "linear")
            _layers = [weights.Linear(inputs, outputs, bias: true)];
        else if (type == "identity")
            _layers = [];
        else if (MlpName().Match(type) is { Success: true } match && int.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var depth) && depth <= 256)
        {
            depth = Math.Max(1, depth);   // the original always builds the first layer
            // odd places hold the activations, which have no weights
            _layers = new Linear[depth];
            for (var i = 0; i < depth; i++)
                _layers[i] = weights[2 * i].Linear(i == 0 ? inputs : outputs, outputs, bias: true);
        }
        else
            throw new UnknownNameException("projector type", type, ["linear", "mlp2x_gelu", "mlp3x_gelu", "identity"]);
    }

    /// <summary>x [..., inputs] to [..., outputs].</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        if (_layers.Length == 0)
            return x.alias().MoveToOuterDisposeScope();
        x = _layers[0].Forward(x);
        foreach (var layer in _layers.AsSpan(1))
            x = layer.Forward(nn.functional.gelu(x));
        return x.MoveToOuterDisposeScope();
    }

    [GeneratedRegex(@"^mlp(\d+)x_gelu$")]
    private static partial Regex MlpName();
}
