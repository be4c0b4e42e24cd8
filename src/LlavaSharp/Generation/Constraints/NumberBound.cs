namespace LlavaSharp.Generation.Constraints;

/// <summary>A bound of numbers.</summary>
/// <param name="Value">The bound.</param>
/// <param name="IsExclusive">Whether the bound itself is outside.</param>
internal readonly record struct NumberBound(decimal Value, bool IsExclusive)
{
    /// <summary>The higher of two lower bounds.</summary>
    public static NumberBound? Higher(NumberBound? left, NumberBound? right) =>
        left is not { } l ? right : right is not { } r ? left : l.Value != r.Value ? (l.Value > r.Value ? l : r) : new(l.Value, l.IsExclusive || r.IsExclusive);

    /// <summary>The lower of two upper bounds.</summary>
    public static NumberBound? Lower(NumberBound? left, NumberBound? right) =>
        left is not { } l ? right : right is not { } r ? left : l.Value != r.Value ? (l.Value < r.Value ? l : r) : new(l.Value, l.IsExclusive || r.IsExclusive);
}
