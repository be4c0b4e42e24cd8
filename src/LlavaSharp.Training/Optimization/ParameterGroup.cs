using static TorchSharp.torch;

namespace LlavaSharp.Training;

/// <summary>Parameters that share a learning rate and a weight decay.</summary>
/// <param name="Parameters">The trained tensors by name, in the order of the network.</param>
/// <param name="LearningRate">The rate at factor 1 of the schedule.</param>
/// <param name="WeightDecay">The share of a weight (times the rate) that every update takes away.</param>
public sealed record ParameterGroup(IReadOnlyList<KeyValuePair<string, Tensor>> Parameters, double LearningRate, double WeightDecay)
{
    /// <summary>The groups of the original's trainer: weight decay for what is neither a norm nor a bias, and rates of their own for projector and vision tower.</summary>
    /// <param name="trained">The trained tensors by name.</param>
    /// <param name="learningRate">The base rate.</param>
    /// <param name="weightDecay">The decay of weights.</param>
    /// <param name="projectorRate">The rate of tensors with <c>mm_projector</c> in the name; null: the base rate, and no groups of their own.</param>
    /// <param name="towerRate">The rate of tensors with <c>vision_tower</c> in the name; null: the base rate, and no groups of their own.</param>
    /// <returns>The non-empty groups.</returns>
    public static IReadOnlyList<ParameterGroup> Create(
        IEnumerable<KeyValuePair<string, Tensor>> trained, double learningRate, double weightDecay, double? projectorRate = null, double? towerRate = null)
    {
        ArgumentNullException.ThrowIfNull(trained);
        return [.. trained
            .GroupBy(p => (Rate: RateOf(p.Key), Decays: Decays(p.Key)))
            .OrderBy(g => g.Key.Rate.Order).ThenByDescending(g => g.Key.Decays)
            .Select(g => new ParameterGroup([.. g], g.Key.Rate.Value, g.Key.Decays ? weightDecay : 0))];

        (int Order, double Value) RateOf(string name) =>
            projectorRate is { } projector && name.Contains("mm_projector", StringComparison.Ordinal) ? (1, projector)
            : towerRate is { } tower && name.Contains("vision_tower", StringComparison.Ordinal) ? (2, tower)
            : (0, learningRate);
    }

    /// <summary>Whether a tensor of that name is subject to weight decay: biases and the weights of norms are not.</summary>
    public static bool Decays(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Contains("bias", StringComparison.Ordinal))
            return false;
        // the module that owns the tensor: layer norms and RMS norms are the ones that call themselves so
        var owner = name.LastIndexOf('.') is var dot and > 0 ? name[(name.LastIndexOf('.', dot - 1) + 1)..dot] : name;
        return !owner.Contains("norm", StringComparison.Ordinal);
    }
}
