namespace LlavaSharp.Generation;

/// <summary>Log-probabilities of tokens from the logits of one place.</summary>
internal static class LogProbabilities
{
    /// <summary>The chosen token's, and those of the most probable tokens.</summary>
    /// <param name="logits">As the model computed them.</param>
    /// <param name="chosen">The token.</param>
    /// <param name="count">How many of the most probable ones.</param>
    public static GeneratedToken Of(ReadOnlySpan<float> logits, int chosen, int count)
    {
        var largest = float.NegativeInfinity;
        foreach (var value in logits)
            largest = Math.Max(largest, value);
        double sum = 0;
        foreach (var value in logits)
            sum += Math.Exp(value - largest);
        var total = largest + Math.Log(sum);
        var top = new PriorityQueue<int, (float Logit, int NegativeId)>();   // the worst of the best first; among equals the smaller id is better
        for (var id = 0; count > 0 && id < logits.Length; id++)
        {
            if (top.Count < count)
                top.Enqueue(id, (logits[id], -id));
            else
                top.EnqueueDequeue(id, (logits[id], -id));
        }
        var best = new TokenLogProbability[top.Count];
        for (var i = best.Length - 1; i >= 0; i--)
        {
            var id = top.Dequeue();
            best[i] = new(id, (float)(logits[id] - total));
        }
        return new(chosen, (float)(logits[chosen] - total), best);
    }
}
