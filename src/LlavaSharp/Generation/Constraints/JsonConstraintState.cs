namespace LlavaSharp.Generation.Constraints;

/// <summary>How far an answer that is held to JSON has come.</summary>
/// <param name="constraint">What it is held to.</param>
/// <param name="state">Where it stands.</param>
internal sealed class JsonConstraintState(JsonConstraint constraint, AutomatonState state) : ITokenConstraintState
{
    private AutomatonState _state = state;

    /// <inheritdoc/>
    public bool IsComplete => _state is { Accepts: true, IsEnd: true };

    /// <inheritdoc/>
    /// <exception cref="GenerationException">The vocabulary cannot go on, or the schema takes too long to be followed.</exception>
    public void Restrict(Span<float> logits, IReadOnlyList<int> endIds)
    {
        Span<float> ends = stackalloc float[Math.Min(endIds.Count, 64)];
        for (var i = 0; i < ends.Length; i++)
            ends[i] = (uint)endIds[i] < (uint)logits.Length ? logits[endIds[i]] : 0;
        var allowed = constraint.Allowed(_state);
        allowed.Restrict(logits);
        // an end token ends the answer, also where its own characters would fit
        for (var i = 0; i < endIds.Count; i++)
            if ((uint)endIds[i] < (uint)logits.Length)
                logits[endIds[i]] = _state.Accepts && i < ends.Length ? ends[i] : float.NegativeInfinity;
        if (logits.IndexOfAnyExcept(float.NegativeInfinity) < 0)
            throw new GenerationException("No token of the vocabulary goes on with the JSON that is asked for: it cannot write some character of the schema. Use names and values in ASCII.");
    }

    /// <inheritdoc/>
    public void Accept(int id) =>
        _state = constraint.Next(_state, id) ?? throw new GenerationException($"The token {id} may not stand here: it was chosen although the constraint ruled it out.");
}
