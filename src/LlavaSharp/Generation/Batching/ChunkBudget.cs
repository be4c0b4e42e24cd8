namespace LlavaSharp.Generation.Batching;

/// <summary>
/// How many positions of prompts a step may compute beside sequences that generate (chunked prefill, Agrawal et al. 2023): as many as make the step so many times longer
/// than one without, by what steps took lately.
/// </summary>
/// <param name="stretch">How many times longer, above 1.</param>
/// <param name="least">The fewest positions, so that prompts go on.</param>
/// <param name="most">The most, also where nothing else runs.</param>
internal sealed class ChunkBudget(double stretch, int least, int most)
{
    private const double Weight = 0.2;   // of the newest measurement
    private double _plain;               // seconds of a step without prompts
    private double _position;            // seconds that a position of a prompt adds

    /// <summary>The positions of the next step.</summary>
    /// <param name="generating">Whether sequences generate.</param>
    public int Positions(bool generating)
    {
        if (!generating)
            return most;
        if (_plain == 0 || _position == 0)
            return least;
        return (int)Math.Clamp((stretch - 1) * _plain / _position, least, most);
    }

    /// <summary>Says how long a step took.</summary>
    /// <param name="generating">Sequences that generated.</param>
    /// <param name="promptPositions">Positions of prompts.</param>
    /// <param name="seconds">How long.</param>
    public void Report(int generating, int promptPositions, double seconds)
    {
        if (promptPositions == 0)
            _plain = Blend(_plain, seconds);
        else
            _position = Blend(_position, Math.Max(0, seconds - (generating > 0 ? _plain : 0)) / promptPositions);
    }

    private static double Blend(double old, double seen) => old == 0 ? seen : old + Weight * (seen - old);
}
