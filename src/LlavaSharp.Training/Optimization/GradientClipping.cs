using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Training;

/// <summary>Limits the norm of all gradients together.</summary>
public static class GradientClipping
{
    /// <summary>Scales the gradients so that their global 2-norm is at most <paramref name="maximum"/>: by maximum / (norm + 1e-6), as PyTorch does.</summary>
    /// <param name="parameters">The trained tensors; those without gradient do not count.</param>
    /// <param name="maximum">The largest norm; 0 or less leaves the gradients as they are.</param>
    /// <returns>The norm before clipping: a scalar tensor, so that nothing waits for it here.</returns>
    public static Tensor Clip(IEnumerable<Tensor> parameters, double maximum)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var gradients = parameters.Select(p => p.grad).OfType<Tensor>().ToList();
        if (gradients.Count == 0)
            return zeros([]).MoveToOuterDisposeScope();
        var norm = stack(gradients.Select(g => g.norm())).norm();                         // scalar
        if (maximum > 0)
        {
            // multiplying by a factor clamped to 1 needs no decision on the host
            var factor = (Scalars.Of(maximum) / norm.Plus(1e-6)).clamp_(max: Scalars.Of(1.0));
            foreach (var gradient in gradients)
                gradient.mul_(factor);
        }
        return norm.MoveToOuterDisposeScope();
    }
}
