namespace LlavaSharp.Benchmarking.Report;

/// <summary>One figure.</summary>
/// <param name="Name">What was measured, with the form of the weights: <c>prefill_4bit</c>.</param>
/// <param name="Value">The median over the rounds.</param>
/// <param name="Unit">Its unit; of seconds and bytes less is better, of all others more.</param>
/// <param name="Peer">The other side's median, in the same unit; null when there is none.</param>
/// <param name="Ratio">How many times better than the other side, or what the goal is about where that is no other side; null when there is nothing to compare with.</param>
/// <param name="Goal">The least <paramref name="Ratio"/> that is wanted; null when there is no goal.</param>
/// <param name="Limit">What the machine allows at best, in the same unit, by its measured limits; null when none is known.</param>
public sealed record BenchResult(string Name, double Value, string Unit, double? Peer = null, double? Ratio = null, double? Goal = null, double? Limit = null)
{
    private static readonly string[] _lessIsBetter = ["s", "ms", "GB"];

    /// <summary>How near the value is to the limit, from 0 to 1.</summary>
    public double? ShareOfLimit => Limit is not { } limit ? null : LessIsBetter(Unit) ? limit / Value : Value / limit;

    /// <summary>Whether there is a goal, and it is missed.</summary>
    public bool IsMissed => Goal is { } goal && Ratio is { } ratio && ratio < goal;

    /// <summary>A figure whose ratio is that of the two sides.</summary>
    internal static BenchResult Compare(string name, double value, string unit, double? peer, double? goal = null, double? limit = null) =>
        new(name, value, unit, peer, peer is not { } other ? null : LessIsBetter(unit) ? other / value : value / other, goal, limit);

    private static bool LessIsBetter(string unit) => _lessIsBetter.Contains(unit);
}
