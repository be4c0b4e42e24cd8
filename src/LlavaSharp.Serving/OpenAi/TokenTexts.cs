using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Serving.OpenAi;

/// <summary>What tokens write by themselves, for lists of log-probabilities.</summary>
/// <param name="tokenizer">The model's tokenizer.</param>
internal sealed class TokenTexts(Tokenizer tokenizer)
{
    // a token at the beginning of a text loses its blank; behind another one it does not
    private readonly int[] _before = tokenizer.Encode("a", addSpecialTokens: false);

    /// <summary>An entry of <c>logprobs.content</c>.</summary>
    public JsonObject Entry(GeneratedToken token)
    {
        var entry = Entry(token.Id, token.LogProbability);
        entry["top_logprobs"] = new JsonArray([.. token.Top.Select(top => (JsonNode)Entry(top.Id, top.LogProbability))]);
        return entry;
    }

    /// <summary>A log-probability as JSON can hold it, which knows no infinity: OpenAI writes -9999.</summary>
    public static float Finite(float logProbability) => float.IsFinite(logProbability) ? logProbability : -9999;

    /// <summary>A token's text; of half a character a replacement.</summary>
    public string Text(int id)
    {
        if (tokenizer.IdToToken(id) is not { } token)
            return "";
        if (tokenizer.IsSpecial(id))
            return token;
        var before = tokenizer.Decode(_before, skipSpecialTokens: false);
        var both = tokenizer.Decode([.. _before, id], skipSpecialTokens: false);
        return both.StartsWith(before, StringComparison.Ordinal) ? both[before.Length..] : token;
    }

    private JsonObject Entry(int id, float logProbability)
    {
        var text = Text(id);
        var bytes = ByteOf(id) is { } single ? [single] : text.Contains('\ufffd', StringComparison.Ordinal) ? null : Encoding.UTF8.GetBytes(text);
        return new()
        {
            ["token"] = text,
            ["logprob"] = Finite(logProbability),
            ["bytes"] = bytes is null ? null : new JsonArray([.. bytes.Select(value => (JsonNode)value)]),
        };
    }

    // SentencePiece writes bytes that are no character of the vocabulary as <0xE4>
    private byte? ByteOf(int id) => tokenizer.IdToToken(id) is { Length: 6 } token && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
        && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) ? value : null;
}
