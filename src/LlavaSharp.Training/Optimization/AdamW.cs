using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Training;

/// <summary>
/// Adam with decoupled weight decay (Loshchilov and Hutter 2019). Every operation is done in the order of PyTorch's single-tensor implementation,
/// so that results agree to the rounding of float32.
/// </summary>
public sealed class AdamW : IDisposable
{
    private readonly double _beta1;
    private readonly double _beta2;
    private readonly double _epsilon;
    private readonly Dictionary<string, State> _states = new(StringComparer.Ordinal);

    /// <summary>Creates the optimizer; its state appears with the first gradient of each parameter.</summary>
    /// <param name="groups">What is trained.</param>
    /// <param name="beta1">The decay of the first moment.</param>
    /// <param name="beta2">The decay of the second moment.</param>
    /// <param name="epsilon">Added to the root of the second moment.</param>
    public AdamW(IReadOnlyList<ParameterGroup> groups, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8)
    {
        ArgumentNullException.ThrowIfNull(groups);
        (Groups, _beta1, _beta2, _epsilon) = (groups, beta1, beta2, epsilon);
    }

    /// <summary>What is trained, by rate and weight decay.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>One update from the gradients that the parameters hold; a parameter without gradient is left alone.</summary>
    /// <param name="factor">The schedule's factor on every group's rate.</param>
    public void Step(double factor)
    {
        using var noGradient = no_grad();
        foreach (var group in Groups)
        {
            var rate = group.LearningRate * factor;
            foreach (var (name, parameter) in group.Parameters)
            {
                using var scope = NewDisposeScope();
                if (parameter.grad is { } gradient)
                    Update(parameter, gradient, StateOf(name, parameter), rate, group.WeightDecay);
            }
        }
    }

    /// <summary>Forgets every gradient, so that a parameter that takes no part in the next update is left alone by it.</summary>
    public void ClearGradients()
    {
        foreach (var group in Groups)
        {
            foreach (var (_, parameter) in group.Parameters)
                parameter.grad = null;
        }
    }

    /// <summary>The moments under <c>NAME.exp_avg</c> and <c>NAME.exp_avg_sq</c>, and the counts of updates; the tensors stay the optimizer's own.</summary>
    public (IReadOnlyDictionary<string, Tensor> Moments, IReadOnlyDictionary<string, long> Steps) GetState()
    {
        var moments = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        var steps = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (name, state) in _states)
        {
            moments[$"{name}.exp_avg"] = state.Mean;
            moments[$"{name}.exp_avg_sq"] = state.Square;
            steps[name] = state.Steps;
        }
        return (moments, steps);
    }

    /// <summary>Takes over what <see cref="GetState"/> gave, by value.</summary>
    /// <exception cref="TrainingException">A moment is missing, or has another shape than its parameter.</exception>
    public void SetState(IReadOnlyDictionary<string, Tensor> moments, IReadOnlyDictionary<string, long> steps)
    {
        ArgumentNullException.ThrowIfNull(moments);
        ArgumentNullException.ThrowIfNull(steps);
        using var noGradient = no_grad();
        foreach (var (name, parameter) in Groups.SelectMany(g => g.Parameters))
        {
            if (!steps.TryGetValue(name, out var count))
                continue;
            var state = StateOf(name, parameter);
            Take(state.Mean, $"{name}.exp_avg");
            Take(state.Square, $"{name}.exp_avg_sq");
            state.Steps = count;
        }

        void Take(Tensor target, string name)
        {
            if (!moments.TryGetValue(name, out var source))
                throw new TrainingException($"The optimizer state lacks '{name}': the checkpoint is incomplete. Remove it to resume from an older one.");
            if (!source.shape.AsSpan().SequenceEqual(target.shape))
                throw new TrainingException($"The optimizer state '{name}' has shape [{string.Join(", ", source.shape)}], but its parameter has [{string.Join(", ", target.shape)}]: the checkpoint belongs to another model.");
            target.copy_(source);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var state in _states.Values)
        {
            state.Mean.Dispose();
            state.Square.Dispose();
        }
        _states.Clear();
    }

    private void Update(Tensor parameter, Tensor gradient, State state, double rate, double weightDecay)
    {
        state.Steps++;
        if (weightDecay != 0)
            parameter.mul_(Scalars.Of(1 - rate * weightDecay));
        state.Mean.lerp_(gradient, 1 - _beta1);   // becomes a tensor, which the scope keeps
        state.Square.mul_(Scalars.Of(_beta2)).addcmul_(gradient, gradient, Scalars.Of(1 - _beta2));
        var step = rate / (1 - Math.Pow(_beta1, state.Steps));
        var root = Math.Sqrt(1 - Math.Pow(_beta2, state.Steps));
        var denominator = state.Square.sqrt().div_(Scalars.Of(root)).AddInPlace(_epsilon);
        parameter.addcdiv_(state.Mean, denominator, Scalars.Of(-step));
    }

    private State StateOf(string name, Tensor parameter)
    {
        if (!_states.TryGetValue(name, out var state))
            _states[name] = state = new State(zeros_like(parameter).requires_grad_(false).DetachFromDisposeScope(), zeros_like(parameter).requires_grad_(false).DetachFromDisposeScope());
        return state;
    }

    private sealed class State(Tensor mean, Tensor square)
    {
        public Tensor Mean { get; } = mean;

        public Tensor Square { get; } = square;

        public long Steps { get; set; }
    }
}
