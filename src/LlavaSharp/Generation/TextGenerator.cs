using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Generation;

/// <summary>Embeddings in, new ids out: prefill, then one token at a time (or one for each beam). Runs on the model's thread, under no gradient.</summary>
internal sealed class TextGenerator(CausalLanguageModel language, IReadOnlyList<int> endIds, int? startId)
{
    /// <summary>Generates one answer.</summary>
    /// <param name="prompt">One row.</param>
    /// <param name="settings">How to generate; <see cref="GenerationSettings.MaxNewTokens"/> already fits the context.</param>
    /// <param name="onToken">Called with each new id; returns false to end the answer there. Not called during beam search, which knows its ids at the end only.</param>
    /// <param name="onPrefilled">Called when the prompt is computed.</param>
    /// <param name="observe">Called with the logits of each step [V] before they are processed.</param>
    /// <param name="cancellation">Ends the generation at the next token.</param>
    /// <returns>The ids, the end token included, and whether that ended it.</returns>
    public (List<int> Ids, bool Ended) Generate(
        MergedBatch prompt, GenerationSettings settings, Func<int, bool>? onToken = null, Action? onPrefilled = null,
        Action<float[]>? observe = null, CancellationToken cancellation = default)
    {
        var ids = new List<int>();
        if (settings.MaxNewTokens == 0)
            return (ids, false);
        using var noGradient = no_grad();
        using var cache = new KeyValueCache(language.Layers, language.CacheFormat);
        if (settings.NumBeams > 1)
        {
            var best = Beams(prompt, settings, cache, onPrefilled, cancellation);
            return ([.. best.Ids], best.Ids.Count > 0 && endIds.Contains(best.Ids[^1]));
        }
        var sampler = new Sampler(settings);
        var history = new List<int>();
        if (startId is { } start)
            history.Add(start);
        var logits = Step(prompt.Embeddings, prompt.Positions, prompt.Visible, cache);
        onPrefilled?.Invoke();
        for (var position = prompt.Plan.Length; ; position++)
        {
            cancellation.ThrowIfCancellationRequested();
            observe?.Invoke((float[])logits.Clone());
            var id = sampler.Next(logits, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(history));
            ids.Add(id);
            history.Add(id);
            var goOn = onToken?.Invoke(id) ?? true;
            if (endIds.Contains(id))
                return (ids, true);
            if (!goOn || ids.Count >= settings.MaxNewTokens)
                return (ids, false);
            using var scope = NewDisposeScope();
            logits = Step(language.Embed(tensor([(long)id], [1, 1], device: prompt.Embeddings.device)), tensor([(long)position], [1, 1], device: prompt.Embeddings.device), null, cache);
        }
    }

    /// <summary>Beam search for one row: the best hypothesis and its score (the sum of log-probabilities over the number of tokens).</summary>
    public BeamHypothesis GenerateBeams(MergedBatch prompt, GenerationSettings settings, CancellationToken cancellation = default)
    {
        using var noGradient = no_grad();
        using var cache = new KeyValueCache(language.Layers, language.CacheFormat);
        return Beams(prompt, settings, cache, null, cancellation);
    }

    private BeamHypothesis Beams(MergedBatch prompt, GenerationSettings settings, KeyValueCache cache, Action? onPrefilled, CancellationToken cancellation)
    {
        var search = new BeamSearch(settings, language.VocabularySize, endIds, startIds: startId is { } start ? [start] : []);
        var beams = search.Beams;
        var device = prompt.Embeddings.device;
        var first = Step(prompt.Embeddings, prompt.Positions, prompt.Visible, cache);
        onPrefilled?.Invoke();
        // all beams begin as the same row
        cache.Reorder(new long[beams]);
        var logits = new float[beams * first.Length];
        for (var i = 0; i < beams; i++)
            first.CopyTo(logits, i * first.Length);
        for (var position = prompt.Plan.Length; ; position++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (var i = 0; i < beams; i++)
                BeamSearch.LogSoftmax(logits.AsSpan(i * language.VocabularySize, language.VocabularySize));
            search.Step(logits);
            if (search.IsDone)
                return search.Finish();
            using var scope = NewDisposeScope();
            cache.Reorder(Wide(search.SourceBeams));
            logits = Step(language.Embed(tensor(Wide(search.NextTokens), [beams, 1], device: device)), tensor([(long)position], [1, 1], device: device), null, cache);
        }
    }

    private static long[] Wide(ReadOnlySpan<int> values)
    {
        var wide = new long[values.Length];
        for (var i = 0; i < wide.Length; i++)
            wide[i] = values[i];
        return wide;
    }

    // the logits of the last position only: [B * V] on the host
    private float[] Step(Tensor embeddings, Tensor positions, Tensor? visible, KeyValueCache cache)
    {
        using var scope = NewDisposeScope();
        var hidden = language.Forward(embeddings, positions, visible, cache);                                  // [B, T, C]
        var last = language.Logits(hidden.narrow(1, hidden.shape[1] - 1, 1)).squeeze(1);                       // [B, V]
        return last.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
    }
}
