namespace LlavaSharp.Generation.Constraints;

/// <summary>All ways in which a text so far can be read: places before a byte, each with its stack. Equal ones are one object (until memory is made free), and know where each byte leads.</summary>
/// <param name="places">Ordered by place and frame.</param>
/// <param name="accepts">Whether the text may end here.</param>
/// <param name="classes">The number of classes of bytes.</param>
internal sealed class AutomatonState((int Place, StackFrame? Frame)[] places, bool accepts, int classes)
{
    public (int Place, StackFrame? Frame)[] Places { get; } = places;

    public bool Accepts { get; } = accepts;

    /// <summary>Whether nothing leads on.</summary>
    public bool IsEnd => Places.Length == 0;

    /// <summary>The state behind a byte of each class; null where it was not computed yet.</summary>
    public AutomatonState?[] Next { get; } = new AutomatonState?[classes];

    /// <summary>The tokens that may come; null where it was not computed yet.</summary>
    public TokenSet? Allowed { get; set; }
}
