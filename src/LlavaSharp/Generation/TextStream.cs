using System.Text;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Generation;

/// <summary>Ids in, text out as soon as it is certain: decodes, watches for stop strings, and hands on what may be shown.</summary>
/// <param name="tokenizer">What decodes.</param>
/// <param name="stopStrings">Where the text ends.</param>
/// <param name="show">Takes what may be shown.</param>
/// <param name="keepsSpaces">The text is the tokens' own, without the original's cleaning up: what an answer under a constraint asks for.</param>
internal sealed class TextStream(Tokenizer tokenizer, IReadOnlyList<string> stopStrings, Action<string> show, bool keepsSpaces = false)
{
    private readonly StreamingDecoder _decoder = new(tokenizer) { KeepsSpaces = keepsSpaces };
    private readonly StopStringMatcher _matcher = new(stopStrings);
    private readonly StringBuilder _text = new();
    // stop strings are looked for at every token, not only where a word is complete
    private readonly bool _watches = stopStrings.Count > 0;
    private readonly List<int> _ids = [];

    /// <summary>Whether a stop string was found.</summary>
    public bool Stopped => _matcher.IsStopped;

    /// <summary>What was shown so far.</summary>
    public string Text => _text.ToString();

    /// <summary>The text of a finished answer. Spare ids behind the vocabulary, which a model with a padded embedding can generate, have none.</summary>
    public static string Decode(Tokenizer tokenizer, IEnumerable<int> ids, bool skipSpecialTokens = true, bool keepsSpaces = false)
    {
        var known = ids.Where(id => tokenizer.IdToToken(id) is not null);
        return keepsSpaces ? tokenizer.Decode(known, skipSpecialTokens, cleanUpSpaces: false) : tokenizer.Decode(known, skipSpecialTokens);
    }

    /// <summary>Takes an id; false when the answer ends here.</summary>
    public bool Put(int id)
    {
        if (Stopped)
            return false;
        if (tokenizer.IdToToken(id) is null)
            return true;
        Show(_decoder.Put(id));
        if (!_watches || Stopped)
            return !Stopped;
        _ids.Add(id);
        var decoded = tokenizer.Decode(_ids);
        return !stopStrings.Any(stop => decoded.Contains(stop, StringComparison.Ordinal));
    }

    /// <summary>Hands on what was held back.</summary>
    public void End()
    {
        Show(_decoder.End());
        if (!Stopped)
            Emit(_matcher.Finish());
    }

    private void Show(string piece) => Emit(_matcher.Push(piece));

    private void Emit(string piece)
    {
        if (piece.Length == 0)
            return;
        _text.Append(piece);
        show(piece);
    }
}
