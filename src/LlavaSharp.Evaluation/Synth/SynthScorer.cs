using LlavaSharp.Data.Synth;

namespace LlavaSharp.Evaluation.Synth;

/// <summary>Judges answers and counts them by type. Safe for concurrent use.</summary>
public sealed class SynthScorer
{
    private readonly Lock _gate = new();
    private readonly int[] _right = new int[SynthCategories.All.Count];
    private readonly int[] _asked = new int[SynthCategories.All.Count];
    private int _described;
    private int _recalled;

    /// <summary>Judges one answer and counts it.</summary>
    /// <param name="type">The question's type.</param>
    /// <param name="expected">The right answer.</param>
    /// <param name="answer">What the model said.</param>
    /// <returns>Whether it was right, by <see cref="SynthJudge"/>.</returns>
    public bool Add(SynthQuestionType type, string expected, string answer)
    {
        var right = SynthJudge.IsRight(type, expected, answer);
        var (found, objects, _) = type == SynthQuestionType.Describe ? SynthJudge.CompareDescriptions(expected, answer) : default;
        lock (_gate)
        {
            _asked[(int)type]++;
            _right[(int)type] += right ? 1 : 0;
            _described += objects;
            _recalled += found;
        }
        return right;
    }

    /// <summary>The figures so far.</summary>
    public SynthReport Report()
    {
        lock (_gate)
        {
            var types = SynthCategories.All
                .Where(type => _asked[(int)type] > 0)
                .Select(type => new SynthTypeScore(type, _right[(int)type], _asked[(int)type]));
            return new([.. types], _described, _recalled);
        }
    }
}
