namespace LlavaSharp.Parity;

/// <summary>What the goldens record of the logits of one position: mean, standard deviation, and the largest ones.</summary>
internal static class LogitsComparison
{
    /// <summary>Compares mean and standard deviation.</summary>
    public static void CheckSpread(Comparison c, double mean, double deviation, ReadOnlySpan<float> logits, double tolerance)
    {
        double sum = 0, squares = 0;
        foreach (var logit in logits)
            sum += logit;
        var actual = sum / logits.Length;
        foreach (var logit in logits)
            squares += (logit - actual) * (logit - actual);
        c.Close("mean", mean, actual, tolerance);
        c.Close("std", deviation, Math.Sqrt(squares / (logits.Length - 1)), tolerance);
    }

    /// <summary>Compares the largest logits; places may change only among neighbours that lie closer together than twice the tolerance.</summary>
    public static void CheckTop(Comparison c, int[] ids, double[] values, float[] logits, double tolerance)
    {
        c.Equal("number of top20_ids", values.Length, ids.Length);
        var order = Enumerable.Range(0, logits.Length).OrderByDescending(i => logits[i]).Take(ids.Length).ToArray();
        for (var i = 0; i < Math.Min(order.Length, values.Length); i++)
        {
            c.Close($"top20[{i}]", values[i], logits[order[i]], tolerance);
            c.Close($"logit of top20_ids[{i}]", values[i], logits[ids[i]], tolerance);
            var clear = (i == 0 || values[i - 1] - values[i] > 2 * tolerance) && (i == ids.Length - 1 || values[i] - values[i + 1] > 2 * tolerance);
            if (clear && i < ids.Length - 1)
                c.Equal($"top20_ids[{i}]", ids[i], order[i]);
        }
    }
}
