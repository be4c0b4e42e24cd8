namespace LlavaSharp.Generation.Constraints;

/// <summary>Where an automaton goes on when a rule ends, and the frame below.</summary>
/// <param name="id">Tells frames of one automaton apart.</param>
/// <param name="returnsTo">The instruction behind the call.</param>
/// <param name="below">The frame below, or null.</param>
/// <param name="depth">How many containers are open around.</param>
internal sealed class StackFrame(long id, int returnsTo, StackFrame? below, int depth)
{
    public long Id { get; } = id;

    public int ReturnsTo { get; } = returnsTo;

    public StackFrame? Below { get; } = below;

    public int Depth { get; } = depth;
}
