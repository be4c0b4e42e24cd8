using LlavaSharp.Generation;
using LlavaSharp.Models;

namespace LlavaSharp.Parity;

/// <summary>Rule 4 of the goldens: ids are compared up to the first step whose margin is under the bound, text only when all ids are.</summary>
internal static class GreedyComparison
{
    /// <summary>As many ids as were recorded, and the product's own margin (top-1 minus top-2 logit) at each step.</summary>
    /// <param name="generator">What generates.</param>
    /// <param name="prompt">One row.</param>
    /// <param name="count">How many ids were recorded.</param>
    /// <param name="observe">Called with the logits of each step [V].</param>
    public static (List<int> Ids, List<double> Margins) Generate(TextGenerator generator, MergedBatch prompt, int count, Action<float[]>? observe = null)
    {
        var margins = new List<double>();
        if (count == 0)
            return ([], margins);
        var (ids, _) = generator.Generate(prompt, new GenerationOptions { Temperature = 0, MaxNewTokens = count }.Resolve(), observe: logits =>
        {
            margins.Add(Margin(logits));
            observe?.Invoke(logits);
        });
        return (ids, margins);
    }

    /// <param name="c">Takes the verdict.</param>
    /// <param name="expected">The recorded ids.</param>
    /// <param name="margins">The recorded margins; where none are recorded, the product's own.</param>
    /// <param name="recorded">Whether the margins are recorded: then there must be one for each id.</param>
    /// <param name="actual">The product's ids.</param>
    /// <param name="bound">Ids count up to the first margin under this.</param>
    /// <param name="compareText">Called when all ids agree.</param>
    public static void Check(Comparison c, int[] expected, IReadOnlyList<double> margins, bool recorded, IReadOnlyList<int> actual, double bound, Action compareText)
    {
        if (recorded)
            c.Equal("number of greedy_margins", expected.Length, margins.Count);
        for (var i = 0; i < expected.Length; i++)
        {
            if (i < margins.Count && margins[i] < bound)
                return;
            if (i >= actual.Count)
            {
                c.Fail($"greedy_ids: expected {expected.Length} ids, got {actual.Count} (max error {expected.Length - actual.Count}, allowed 0)");
                return;
            }
            if (expected[i] != actual[i])
            {
                c.Equal($"greedy_ids[{i}]", expected[i], actual[i]);
                return;
            }
        }
        c.Equal("number of greedy_ids", expected.Length, actual.Count);
        compareText();
    }

    internal static double Margin(ReadOnlySpan<float> logits)
    {
        float best = float.NegativeInfinity, second = float.NegativeInfinity;
        foreach (var logit in logits)
            if (logit > best)
                (best, second) = (logit, best);
            else if (logit > second)
                second = logit;
        return (double)best - second;
    }
}
