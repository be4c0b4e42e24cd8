using System.Runtime.InteropServices;
using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Generation;

/// <summary>Embeddings in, new ids out: prefill, then one token at a time (or one for each beam). Runs on the model's thread, under no gradient.</summary>
/// <param name="language">The language model.</param>
/// <param name="endIds">The ids that end an answer.</param>
/// <param name="startId">The id that the repetition penalty counts beside the generated ones; null: none.</param>
/// <param name="kept">What is kept from one answer to the next; null: nothing is.</param>
/// <param name="promptLookup">Whether tokens are guessed from the sequence so far, and several of them checked in one pass.</param>
internal sealed class TextGenerator(
    CausalLanguageModel language, IReadOnlyList<int> endIds, int? startId, CachedSequence? kept = null, bool promptLookup = false)
{
    /// <summary>Generates one answer.</summary>
    /// <param name="prompt">One row.</param>
    /// <param name="settings">How to generate; <see cref="GenerationSettings.MaxNewTokens"/> already fits the context.</param>
    /// <param name="onToken">Called with each new id and, where asked for, its log-probabilities; returns false to end the answer there. Not called during beam search, which knows its ids at the end only.</param>
    /// <param name="onPrefilled">Called when the prompt is computed.</param>
    /// <param name="observe">Called with the logits of each step [V] before they are processed.</param>
    /// <param name="pictures">The content hashes of the prompt's pictures; null: unknown, so that nothing is taken from an earlier answer and nothing kept.</param>
    /// <param name="cancellation">Ends the generation at the next token.</param>
    public GeneratedIds Generate(
        MergedBatch prompt, GenerationSettings settings, Func<int, GeneratedToken?, bool>? onToken = null, Action? onPrefilled = null,
        Action<float[]>? observe = null, IReadOnlyList<UInt128>? pictures = null, CancellationToken cancellation = default)
    {
        if (settings.MaxNewTokens == 0)
            return new([], false);
        if (settings.NumBeams > 1)
        {
            var best = GenerateBeams(prompt, settings, onPrefilled, cancellation);
            return new([.. best.Ids], best.Ids.Count > 0 && endIds.Contains(best.Ids[^1]));
        }
        using var noGradient = no_grad();
        using var own = kept is null || pictures is null ? new CachedSequence(() => new(language.Layers, language.CacheFormat)) : null;
        var sequence = own ?? kept!;
        var contents = PositionKey.Of(prompt.Plan.Rows[0], pictures ?? new UInt128[prompt.Plan.Rows[0].Segments.Length]);
        var complete = false;
        try
        {
            var generated = Decode(prompt, contents, settings, sequence, onToken, onPrefilled, observe, cancellation);
            complete = true;
            return generated;
        }
        catch (OperationCanceledException)
        {
            complete = true;   // it comes between two passes only
            throw;
        }
        finally
        {
            if (complete && sequence.Length <= language.StableLength)
                sequence.Rollback();
            else
                sequence.Clear();
        }
    }

    /// <summary>Beam search for one row: the best hypothesis and its score (the sum of log-probabilities over the number of tokens).</summary>
    public BeamHypothesis GenerateBeams(MergedBatch prompt, GenerationSettings settings, Action? onPrefilled = null, CancellationToken cancellation = default)
    {
        using var noGradient = no_grad();
        using var cache = new KeyValueCache(language.Layers, language.CacheFormat);
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

    private GeneratedIds Decode(
        MergedBatch prompt, PositionKey[] contents, GenerationSettings settings, CachedSequence sequence,
        Func<int, GeneratedToken?, bool>? onToken, Action? onPrefilled, Action<float[]>? observe, CancellationToken cancellation)
    {
        var ids = new List<int>();
        var history = new List<int>();
        if (startId is { } start)
            history.Add(start);
        var sampler = new Sampler(settings, endIds);
        var steps = new DecodingSteps(
            language, prompt.Embeddings.device, sequence, promptLookup ? new PromptLookup(contents.Select(key => key.Id)) : null);
        var (logits, reused) = steps.Begin(prompt, contents);
        onPrefilled?.Invoke();
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            observe?.Invoke((float[])logits.Clone());
            var id = sampler.Next(logits, CollectionsMarshal.AsSpan(history));
            ids.Add(id);
            history.Add(id);
            var goOn = (onToken?.Invoke(id, sampler.LastToken) ?? true) && !sampler.IsComplete;
            var ended = endIds.Contains(id);
            if (ended || !goOn || ids.Count >= settings.MaxNewTokens)
                return new(ids, ended || sampler.IsComplete) { ReusedPromptTokens = reused, GuessedTokens = steps.Guessed };
            logits = steps.Next(id, settings.MaxNewTokens - ids.Count);
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
