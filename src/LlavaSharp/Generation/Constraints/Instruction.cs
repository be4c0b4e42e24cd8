namespace LlavaSharp.Generation.Constraints;

/// <summary>What an instruction of a push-down automaton does.</summary>
internal enum InstructionKind : byte
{
    /// <summary>Goes back to where the rule was called, or ends the text.</summary>
    Return,

    /// <summary>Reads one byte of a set.</summary>
    Byte,

    /// <summary>Goes on at each of several places.</summary>
    Split,

    /// <summary>Goes on in a rule, and behind it at the next place.</summary>
    Call,
}

/// <summary>One instruction of a push-down automaton.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Bytes">What a byte must be.</param>
/// <param name="Next">Where it goes on (bytes, calls).</param>
/// <param name="Rule">What it calls.</param>
/// <param name="Nests">Whether a byte opens a container, or a call goes into one: nesting counts.</param>
/// <param name="Targets">Where a split goes on.</param>
internal readonly record struct Instruction(InstructionKind Kind, ByteSet Bytes = default, int Next = 0, int Rule = 0, bool Nests = false, int[]? Targets = null);
