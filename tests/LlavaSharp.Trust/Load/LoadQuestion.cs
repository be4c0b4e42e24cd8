using System.Text.Json.Nodes;

namespace LlavaSharp.Trust.Load;

/// <summary>A question, and the answer that it gets when nobody else asks.</summary>
/// <param name="Text">The question.</param>
/// <param name="Picture">The picture as PNG in base64; null: none.</param>
internal sealed record LoadQuestion(string Text, string? Picture)
{
    private const double Tie = 1e-3;   // of two probabilities' logarithms: so near, either may come first

    /// <summary>The tokens' texts, and how far each was ahead of the next probable one.</summary>
    public IReadOnlyList<(string Text, double Margin)> Alone { get; set; } = [];

    /// <summary>The answer's text.</summary>
    public string Answer { get; set; } = "";

    /// <summary>Reads the reply with log-probabilities.</summary>
    public static (string Answer, IReadOnlyList<(string Text, double Margin)> Tokens) Read(JsonNode reply)
    {
        var choice = reply["choices"]![0]!;
        var tokens = choice["logprobs"]!["content"]!.AsArray().Select(token => (token!["token"]!.GetValue<string>(), Margin(token["top_logprobs"]!.AsArray()))).ToArray();
        return (choice["message"]!["content"]!.GetValue<string>(), tokens);

        static double Margin(JsonArray top) => top.Count < 2 ? double.PositiveInfinity : top[0]!["logprob"]!.GetValue<double>() - top[1]!["logprob"]!.GetValue<double>();
    }

    /// <summary>Whether another answer parts from the one alone at a token that had a rival.</summary>
    /// <param name="tokens">The other answer's tokens.</param>
    public bool IsTie(IReadOnlyList<string> tokens)
    {
        var step = 0;
        while (step < Alone.Count && step < tokens.Count && Alone[step].Text == tokens[step])
            step++;
        return step < Alone.Count && Alone[step].Margin < Tie;
    }

    /// <summary>The same where only the text is known: the token in which the first other character stands, or the one in front of it, of which it may be the longer form.</summary>
    public bool IsTie(string text)
    {
        var whole = string.Concat(Alone.Select(token => token.Text));
        var at = whole.Length - whole.TrimStart().Length;   // answers are trimmed
        for (var i = 0; i < text.Length && at < whole.Length && text[i] == whole[at]; i++)
            at++;
        var step = 0;
        for (var end = 0; step < Alone.Count && (end += Alone[step].Text.Length) <= at; step++)
            continue;
        return (step < Alone.Count && Alone[step].Margin < Tie) || (step > 0 && Alone[step - 1].Margin < Tie);
    }
}
