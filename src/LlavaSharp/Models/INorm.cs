using LlavaSharp.Kernels;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>A norm over the last dimension.</summary>
internal interface INorm
{
    /// <summary>x [..., width] to the same shape.</summary>
    Tensor Forward(Tensor x);

    /// <summary>The normed tokens of x for who quantises them, computed while they are read; null where the kernels do not fit.</summary>
    ActivationSource? Source(Tensor x);
}
