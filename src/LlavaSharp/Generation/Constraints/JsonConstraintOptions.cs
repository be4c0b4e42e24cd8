namespace LlavaSharp.Generation.Constraints;

/// <summary>How answers are held to JSON.</summary>
public sealed record JsonConstraintOptions
{
    internal const int MostDepth = 60;   // readers commonly stop at 64

    /// <summary>Whether one space may stand behind <c>{ [ , :</c> and in front of <c>} ]</c>; false: none. More white space is never allowed, so that no model can write it for ever.</summary>
    public bool AllowSpaces { get; init; } = true;

    /// <summary>How deep arrays and objects may be nested, 1 to 60.</summary>
    public int MaxDepth { get; init; } = 32;

    /// <summary>The most instructions of the automaton that a schema becomes: a limit of memory (some 100 bytes each) and time.</summary>
    public int MaxInstructions { get; init; } = 100_000;

    /// <summary>Checks the values.</summary>
    /// <exception cref="GenerationException">One is out of range.</exception>
    public void Validate()
    {
        if (MaxDepth is < 1 or > MostDepth)
            throw new GenerationException($"{nameof(MaxDepth)} is {MaxDepth}. Give 1 to {MostDepth}.");
        if (MaxInstructions < 100)
            throw new GenerationException($"{nameof(MaxInstructions)} is {MaxInstructions}. Give 100 or more.");
    }
}
