using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Generation;

/// <summary>
/// The passes of one answer through the language model: the prompt, then token after token. With a lookup a pass computes a token and guesses of those that
/// follow; as long as the tokens that are chosen are the guessed ones, their logits are there already. Runs on the model's thread, under no gradient.
/// </summary>
/// <param name="language">The language model.</param>
/// <param name="device">Where it computes.</param>
/// <param name="sequence">Keys and values. Guesses that were not chosen yet lie behind its end.</param>
/// <param name="lookup">What guesses; null: nothing does.</param>
internal sealed class DecodingSteps(CausalLanguageModel language, Device device, CachedSequence sequence, PromptLookup? lookup)
{
    private int[] _guesses = [];
    private float[][] _rows = [];   // of the last pass: after its token, after its token and one guess, ...
    private int _right;             // how many of the guesses were chosen

    /// <summary>How many tokens cost no pass of their own.</summary>
    public int Guessed { get; private set; }

    /// <summary>Computes a prompt, but for what the sequence holds already.</summary>
    /// <param name="prompt">One row.</param>
    /// <param name="contents">What stands at its positions.</param>
    /// <returns>The logits of its last position [V], and how many of its positions were held.</returns>
    public (float[] Logits, int Reused) Begin(MergedBatch prompt, ReadOnlySpan<PositionKey> contents)
    {
        // keys that change with the sequence's length are of no use to another length
        if (contents.Length > language.StableLength)
            sequence.Clear();
        var reused = sequence.Begin(contents);
        var count = contents.Length - reused;
        using var scope = NewDisposeScope();
        var hidden = language.Forward(prompt.Embeddings.narrow(1, reused, count), prompt.Positions.narrow(1, reused, count), null, sequence.Cache);   // [1, T, C]
        var logits = ToHost(language.Logits(hidden.narrow(1, count - 1, 1)));
        sequence.Append(contents[reused..]);
        return (logits[0], reused);
    }

    /// <summary>The logits after one more token [V].</summary>
    /// <param name="id">The token that was chosen.</param>
    /// <param name="wanted">How many tokens may still follow it, at least 1.</param>
    public float[] Next(int id, int wanted)
    {
        lookup?.Append(id);
        if (_right < _guesses.Length && _guesses[_right] == id)
        {
            sequence.Append(new PositionKey(id));
            Guessed++;
            return _rows[++_right];
        }
        sequence.Rollback();
        lookup?.Report(_guesses.Length, _right);
        // a pass that reaches beyond the stable length would turn its first tokens by other angles
        _guesses = lookup?.Propose(Math.Min(wanted - 1, language.StableLength - sequence.Length - 1)) ?? [];
        _right = 0;
        _rows = Pass([id, .. _guesses]);
        sequence.Append(new PositionKey(id));
        return _rows[0];
    }

    // the logits after each of some tokens
    private float[][] Pass(int[] ids)
    {
        using var scope = NewDisposeScope();
        var positions = tensor([.. ids.Select((_, i) => (long)sequence.Length + i)], [1, ids.Length], device: device);                // [1, T]
        var embeddings = language.Embed(tensor([.. ids.Select(id => (long)id)], [1, ids.Length], device: device));             // [1, T, C]
        return ToHost(language.Logits(language.Forward(embeddings, positions, null, sequence.Cache)));
    }

    // [1, T, V] to T rows
    private static float[][] ToHost(Tensor logits)
    {
        var values = logits.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
        var width = (int)logits.shape[2];
        return values.Length == width ? [values] : [.. values.Chunk(width)];
    }
}
