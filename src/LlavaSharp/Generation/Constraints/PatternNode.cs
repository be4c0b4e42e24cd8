namespace LlavaSharp.Generation.Constraints;

/// <summary>A part of a regular expression.</summary>
internal abstract record PatternNode
{
    /// <summary>One character of some ranges.</summary>
    internal sealed record Set(IReadOnlyList<(int First, int Last)> Ranges) : PatternNode;

    /// <summary>One behind the other.</summary>
    internal sealed record Sequence(IReadOnlyList<PatternNode> Nodes) : PatternNode;

    /// <summary>One of several.</summary>
    internal sealed record Either(IReadOnlyList<PatternNode> Nodes) : PatternNode;

    /// <summary>So many times; no limit where the most is null.</summary>
    internal sealed record Repeat(PatternNode Node, int Least, int? Most) : PatternNode;
}
