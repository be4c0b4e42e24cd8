using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>The activation functions that configs name.</summary>
internal static class Activation
{
    private static readonly Dictionary<string, Func<Tensor, Tensor>> Known = new(StringComparer.Ordinal)
    {
        ["silu"] = x => nn.functional.silu(x),
        ["swish"] = x => nn.functional.silu(x),
        ["gelu"] = x => nn.functional.gelu(x),
        ["relu"] = x => nn.functional.relu(x),
        ["quick_gelu"] = QuickGelu,
    };

    /// <summary>The function of that name.</summary>
    /// <exception cref="UnknownNameException">No such function.</exception>
    public static Func<Tensor, Tensor> Get(string name) =>
        Known.TryGetValue(name, out var function) ? function : throw new UnknownNameException("activation function", name, Known.Keys);

    /// <summary>Whether the name means x sigmoid(x).</summary>
    public static bool IsSilu(string name) => name is "silu" or "swish";

    // x sigmoid(1.702 x), as CLIP was trained with
    private static Tensor QuickGelu(Tensor x)
    {
        if (FusedOperations.QuickGelu(x) is { } activated)
            return activated;
        using var scope = NewDisposeScope();
        return x.mul((x * Scalars.Of(1.702)).sigmoid_()).MoveToOuterDisposeScope();
    }
}
