using System.Text;
using System.Text.Json;
using LlavaSharp.Generation;
using LlavaSharp.Generation.Constraints;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Tests.Generation.Constraints;

/// <summary>Texts and dice under a constraint, with the embedded model's vocabulary.</summary>
internal static class Followed
{
    public static Tokenizer Vocabulary { get; } = TokenizerLoader.Load(EmbeddedModel.Find());

    private static readonly Dictionary<byte, int> _single = Enumerable.Range(0, Vocabulary.Count)
        .Where(id => Vocabulary.TokenBytes(id) is { Length: 1 }).GroupBy(id => Vocabulary.TokenBytes(id)![0]).ToDictionary(group => group.Key, group => group.First());

    public static int End => Vocabulary.EndOfSequenceId!.Value;

    public static JsonConstraint Schema(string schema, JsonConstraintOptions? options = null) => JsonConstraint.ForSchema(Vocabulary, JsonElement.Parse(schema), options);

    /// <summary>Whether a text may be written byte by byte, and end there.</summary>
    public static bool Admits(ITokenConstraint constraint, string text)
    {
        var state = constraint.Begin();
        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            if (!Logits(state).Contains(_single[value]))
                return false;
            state.Accept(_single[value]);
        }
        return state.IsComplete || Logits(state).Contains(End);
    }

    /// <summary>The tokens that may come, also the end.</summary>
    public static HashSet<int> Logits(ITokenConstraintState state)
    {
        if (state.IsComplete)
            return [];
        var logits = new float[Vocabulary.Count + 3];
        state.Restrict(logits, [End]);
        return [.. Enumerable.Range(0, logits.Length).Where(id => logits[id] == 0)];
    }

    /// <summary>The text that random logits lead to; whether it ended by itself.</summary>
    /// <param name="constraint">What holds it.</param>
    /// <param name="random">The dice.</param>
    /// <param name="most">The most tokens.</param>
    /// <param name="closing">Added to the logits of what ends strings and containers, so that answers end.</param>
    public static (string Text, bool Ended) Roll(ITokenConstraint constraint, Random random, int most, float closing = 4)
    {
        var sampler = new Sampler(new() { MaxNewTokens = most, Temperature = random.Next(3) == 0 ? 0 : 1, TopK = random.Next(2) * 20, TopP = random.Next(2) == 0 ? 1 : 0.9, Seed = (ulong)random.Next(), Constraint = constraint }, [End]);
        var ids = new List<int>();
        while (ids.Count < most && !sampler.IsComplete)
        {
            var logits = new float[Vocabulary.Count + 3];
            for (var id = 0; id < logits.Length; id++)
                logits[id] = (float)(random.NextDouble() * 4);
            foreach (var value in "\"}]"u8)
                logits[_single[value]] += closing;
            logits[End] += closing;
            var next = sampler.Next(logits, []);
            if (next == End)
                return (Text(ids), true);
            ids.Add(next);
        }
        return (Text(ids), sampler.IsComplete);
    }

    // half a character at a cut end is left out
    private static string Text(List<int> ids)
    {
        var text = Vocabulary.Decode(ids);
        byte[] bytes = [.. ids.SelectMany(id => Vocabulary.TokenBytes(id)!)];
        Assert.Equal(Encoding.UTF8.GetString(bytes).Trim(' ').TrimEnd('\ufffd'), text.Trim(' ').TrimEnd('\ufffd'));
        return text;
    }
}
