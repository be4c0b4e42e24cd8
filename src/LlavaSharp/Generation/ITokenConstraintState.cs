namespace LlavaSharp.Generation;

/// <summary>How far one answer under an <see cref="ITokenConstraint"/> has come.</summary>
/// <remarks>Not safe for concurrent use: one state per answer.</remarks>
public interface ITokenConstraintState
{
    /// <summary>Whether the answer is whole and nothing may follow: generation ends without an end token.</summary>
    bool IsComplete { get; }

    /// <summary>Sets the logits of all tokens that may not come next to minus infinity; at least one stays. The end tokens stay where the answer may end.</summary>
    /// <param name="logits">One value per row of the output projection; rows without a token may not come.</param>
    /// <param name="endIds">The ids that end an answer.</param>
    void Restrict(Span<float> logits, IReadOnlyList<int> endIds);

    /// <summary>Takes the token that was chosen.</summary>
    /// <param name="id">One that <see cref="Restrict"/> left, and no end token.</param>
    /// <exception cref="GenerationException">It may not stand here.</exception>
    void Accept(int id);
}
